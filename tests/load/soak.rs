//! A busy server over a long time, in which nothing may grow but what clients store.

use std::fs;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::open_loop::Clients;
use super::p99;
use crate::support::{Server, report, scaled};

const CONNECTIONS: usize = 256;
/// How much a log of SQLite may hold beside one transaction, in bytes.
const LOG_MAX: u64 = 64 << 20;
/// What memory may grow by after the first third, in KiB: an allocator and the caches are not still after a minute.
const GROWTH_MAX: u64 = 16 << 10;
/// And what it may grow by in each hour.
const GROWTH_AN_HOUR_MAX: u64 = 1 << 10;

/// What a server has taken of the system.
#[derive(Clone, Copy, Debug)]
struct Taken {
    memory_kib: u64,
    files: usize,
    log_bytes: u64,
}

impl Taken {
    fn by(process: u32, log: &str) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let memory = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
        let memory = memory.unwrap().trim().trim_end_matches(" kB");
        Self {
            memory_kib: memory.parse().unwrap(),
            files: fs::read_dir(format!("/proc/{process}/fd")).unwrap().count(),
            log_bytes: fs::metadata(log).map_or(0, |log| log.len()),
        }
    }
}

#[test]
#[ignore = "it takes minutes, on Linux; make torture runs it"]
fn nothing_grows_under_a_load_that_stays() {
    let seconds = u64::try_from(scaled("CONVOSYNC_SOAK_SECONDS", 15)).unwrap();
    let time = Duration::from_secs(seconds);
    let server = Server::start_on(None, &[]);
    let clients = Clients::of(&server, 1);
    let measured = Duration::from_secs(5);
    let peak = clients.as_fast_as_answered(CONNECTIONS, measured);
    assert_eq!(peak.failed, [""; 0]);
    let rate = 0.7 * f64::from(u32::try_from(peak.done.len()).unwrap()) / measured.as_secs_f64();

    let process = server.process_id();
    let log = server.folder().join("data/convosync.db-wal");
    let log = log.to_str().unwrap();
    let (ended, end) = mpsc::channel::<()>();
    let (outcome, taken) = thread::scope(|scope| {
        let watcher = scope.spawn(move || {
            let (began, mut taken) = (Instant::now(), Vec::new());
            let pause = time / 100;
            while end.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                taken.push((began.elapsed(), Taken::by(process, log)));
            }
            taken
        });
        let outcome = clients.at_rate(rate, CONNECTIONS, Duration::ZERO, time);
        drop(ended);
        (outcome, watcher.join().unwrap())
    });
    assert_eq!(outcome.failed, [""; 0]);
    assert_eq!(outcome.refused.len(), 0);
    let late: Vec<_> = taken.iter().filter(|(at, _)| *at > time / 3).collect();
    let most = |of: fn(&Taken) -> u64, part: &[&(Duration, Taken)]| {
        part.iter().map(|(_, it)| of(it)).max().unwrap()
    };
    let (first, last) = late.split_at(late.len() / 2);
    let memory = [first, last].map(|part| most(|it| it.memory_kib, part));
    let files = [first, last].map(|part| most(|it| u64::try_from(it.files).unwrap(), part));
    let log = most(|it| it.log_bytes, &late);
    let figures = format!(
        "{seconds} s at {rate:.0} posts/s over {CONNECTIONS} connections: {} done (p99 {:?}); memory {} then {} KiB, \
         files {} then {}, log {log} bytes at most",
        outcome.done.len(),
        p99(&outcome.done),
        memory[0],
        memory[1],
        files[0],
        files[1],
    );
    report("G22", &figures);
    let growth = GROWTH_MAX + GROWTH_AN_HOUR_MAX * seconds / 3_600;
    assert!(memory[1] <= memory[0] + growth, "{figures}");
    // A few may open and close at any time.
    assert!(files[1] <= files[0] + 4, "{figures}");
    assert!(log <= LOG_MAX + (1 << 20), "{figures}");
}
