//! A TCP proxy that cuts each connection after some bytes of the server's.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// No connection passes more of the server's bytes. The head of an answer is about 400.
const LONGEST: u64 = 6_000;

pub(super) struct CuttingProxy {
    address: String,
    cuts: Arc<AtomicUsize>,
}

impl CuttingProxy {
    /// A proxy for the server at this address.
    pub(super) fn to(server: &str) -> Self {
        let server = server.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let cuts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&cuts);
        // It ends with the process: nobody connects any more when the test is over.
        thread::spawn(move || {
            let mut random = Random(0x9e37_79b9_7f4a_7c15);
            for client in listener.incoming() {
                let passes = random.next() % LONGEST;
                if let (Ok(client), Ok(server)) = (client, TcpStream::connect(&server)) {
                    pass(client, server, passes, Arc::clone(&counted));
                }
            }
        });
        Self { address, cuts }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// How many connections it has cut.
    pub(super) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

fn pass(mut client: TcpStream, mut server: TcpStream, bytes: u64, cuts: Arc<AtomicUsize>) {
    let (mut from_client, mut to_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    thread::spawn(move || {
        let mut left = usize::try_from(bytes).unwrap();
        let mut came = [0; 4_096];
        while let Ok(length @ 1..) = server.read(&mut came) {
            let passed = length.min(left);
            if client.write_all(&came[..passed]).is_err() {
                break;
            }
            left -= passed;
            if left == 0 {
                cuts.fetch_add(1, Ordering::SeqCst);
                break;
            }
        }
        for side in [&client, &server] {
            let _ = side.shutdown(Shutdown::Both);
        }
    });
}

/// Numbers that look like random ones, the same in each run (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
