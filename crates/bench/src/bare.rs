//! A bare actix handler, which returns bytes that it has: what an answer costs at the least.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use actix_web::http::header;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::{Context as _, Result};

use crate::process::Process;

/// The entity tag of what the handler returns.
pub const ETAG: &str = "\"bare\"";

/// A server with one handler, as a process of its own. It ends with the value.
#[derive(Debug)]
pub struct Bare {
    child: Child,
    host: SocketAddr,
}

impl Bare {
    /// Starts a server that returns these bytes.
    pub fn start(bytes: &[u8]) -> Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), bytes)?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg("bare")
            .arg(file.path())
            .stdout(Stdio::piped())
            .spawn()?;
        let said = child.stdout.take().context("stdout is piped")?;
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        let host = line.trim().parse();
        let host = host.context("the bare handler does not start")?;
        Ok(Self { child, host })
    }

    /// Where it listens.
    pub fn host(&self) -> SocketAddr {
        self.host
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves the bytes of a file, or 304 to whoever says to have them, until the process is killed.
pub fn serve(file: &Path) -> Result<()> {
    let bytes = web::Bytes::from(fs::read(file)?);
    let workers = std::thread::available_parallelism()?.get();
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let bytes = bytes.clone();
            let handler = move |request: HttpRequest| {
                let bytes = bytes.clone();
                async move {
                    if request.headers().contains_key(header::IF_NONE_MATCH) {
                        return HttpResponse::NotModified().finish();
                    }
                    let mut answer = HttpResponse::Ok();
                    answer.insert_header((header::ETAG, ETAG));
                    answer.content_type("application/json").body(bytes)
                }
            };
            App::new().default_service(web::to(handler))
        })
        .workers(workers)
        .bind(("127.0.0.1", 0))?;
        for address in server.addrs() {
            println!("{address}");
        }
        server.run().await?;
        Ok(())
    })
}
