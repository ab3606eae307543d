//! A TCP proxy that can cut a connection in the middle of a commit.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

/// As a client of PostgreSQL sends it.
const COMMIT: &[u8] = b"COMMIT\0";
/// The call that is a transaction by itself.
const CALL: &str = "SELECT write_changes(";

const PASS: u8 = 0;
/// Cut before the server has the commit.
const CUT_BEFORE: u8 = 1;
/// Cut when the server has done it, before the client knows.
const CUT_AFTER: u8 = 2;

/// Passes on what is sent to it, but for commits that it is told to cut.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    next_commit: Arc<AtomicU8>,
}

impl Proxy {
    /// A proxy for a server on this port.
    pub fn to(server: &str) -> Self {
        let server: u16 = server.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let next_commit = Arc::new(AtomicU8::new(PASS));
        let commits = Arc::clone(&next_commit);
        // It ends with the process: nobody connects any more when the test is over.
        thread::spawn(move || {
            for client in listener.incoming() {
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                pass_on(&client.unwrap(), &server, &commits);
            }
        });
        Self { port, next_commit }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Has the next commit cut: when the server has done it, or before it has it.
    pub fn cut_next_commit(&self, reaches_server: bool) {
        let how = if reaches_server {
            CUT_AFTER
        } else {
            CUT_BEFORE
        };
        self.next_commit.store(how, Ordering::SeqCst);
    }

    /// Whether that has happened.
    pub fn has_cut(&self) -> bool {
        self.next_commit.load(Ordering::SeqCst) == PASS
    }
}

/// Knows the calls of a connection by the name that it has given to the statement.
#[derive(Default)]
struct Calls {
    statement: Option<Vec<u8>>,
}

impl Calls {
    /// Whether messages begin with such a call. (`Parse` names a statement and has its text, `Bind` names a portal, which
    /// is the unnamed one, and the statement.)
    fn is_call(&mut self, messages: &[u8]) -> bool {
        match messages {
            [b'P', _, _, _, _, rest @ ..] => {
                let text = String::from_utf8_lossy(rest);
                if let Some((name, _)) = text.split_once('\0').filter(|_| text.contains(CALL)) {
                    self.statement = Some(name.as_bytes().to_vec());
                }
                false
            }
            [b'B', _, _, _, _, 0, rest @ ..] => {
                let name = rest.split(|byte| *byte == 0).next();
                self.statement.is_some() && name == self.statement.as_deref()
            }
            _ => false,
        }
    }
}

fn pass_on(client: &TcpStream, server: &TcpStream, commits: &Arc<AtomicU8>) {
    let (mut from_server, mut to_client) =
        (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let (mut from_client, mut to_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    let commits = Arc::clone(commits);
    thread::spawn(move || {
        let mut sent = [0; 65_536];
        let mut calls = Calls::default();
        while let Ok(length @ 1..) = from_client.read(&mut sent) {
            let sent = &sent[..length];
            if sent.ends_with(COMMIT) || calls.is_call(sent) {
                let how = commits.swap(PASS, Ordering::SeqCst);
                if how != PASS {
                    // The client sees nothing of what comes after this.
                    let _ = from_client.shutdown(Shutdown::Both);
                }
                if how == CUT_AFTER {
                    let _ = to_server.write_all(sent);
                    thread::sleep(Duration::from_millis(50));
                }
                if how != PASS {
                    break;
                }
            }
            if to_server.write_all(sent).is_err() {
                break;
            }
        }
        let _ = to_server.shutdown(Shutdown::Both);
    });
}
