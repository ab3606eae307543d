//! Chromium without a window.

use std::env;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A host that is no name of this machine, but leads to it in the browser.
pub(super) const FOREIGN_HOST: &str = "foreign.example";

/// How long the browser may take, on a machine that does other things besides.
const TIMEOUT: Duration = Duration::from_secs(120);

/// What the page at this URL shows in its element `shown` when all its requests are answered.
pub(super) fn shown(url: &str) -> String {
    let document = document(url);
    let (_, after) = document
        .split_once("<pre id=\"shown\">")
        .unwrap_or_else(|| panic!("no such element: {document}"));
    let text = after.split("</pre>").next().unwrap();
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// The page as the browser has it in the end.
fn document(url: &str) -> String {
    let program = env::var_os("CONVOSYNC_TEST_BROWSER").unwrap_or_else(|| "chromium".into());
    let profile = TempDir::new().unwrap();
    let mut browser = Command::new(program)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            // Its clock stands still while a request is not answered, so no page is cut off.
            "--virtual-time-budget=10000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!(
            "--host-resolver-rules=MAP {FOREIGN_HOST} 127.0.0.1"
        ))
        .arg(url)
        .env("HOME", profile.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the browser starts");
    let started = Instant::now();
    while browser.try_wait().unwrap().is_none() {
        if started.elapsed() > TIMEOUT {
            let _ = browser.kill();
            panic!("the browser does not come to an end");
        }
        thread::sleep(Duration::from_millis(20));
    }
    let output = browser.wait_with_output().unwrap();
    String::from_utf8(output.stdout).expect("UTF-8")
}
