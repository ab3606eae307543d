//! What the system lets the server have, beside what the settings let it take.

use std::fs;
use std::path::Path;

use rlimit::Resource;

use crate::finding::Finding;
use crate::settings::Settings;

const MIB: u64 = 1 << 20;
/// Each stream takes a connection, and that two of them.
const FILES_A_STREAM: u64 = 2;
/// Of the store, the listeners, the log and connections that are no streams.
const FILES_BESIDE: u64 = 1_024;
/// What the program takes without any request.
const MEMORY_BESIDE: u64 = 64 * MIB;

pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Ok((_, hard)) = Resource::NOFILE.get() {
        findings.push(open_files(hard, number(settings.limits().streams)));
    }
    if let Ok((soft, _)) = Resource::FSIZE.get() {
        findings.extend(file_size(soft));
    }
    if let Some(machine) = memory_of_machine(Path::new("/")) {
        let limits = settings.limits();
        let budgets = number(limits.bodies_in_flight_bytes) + number(limits.reads_in_flight_bytes);
        findings.push(memory(machine, budgets));
    }
    findings
}

fn number(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// The server raises its limit as far as `hard`.
fn open_files(hard: u64, streams: u64) -> Finding {
    const CHECK: &str = "open files";
    let needed = streams * FILES_A_STREAM + FILES_BESIDE;
    let most = match hard {
        rlimit::INFINITY => "any number of files".to_owned(),
        hard => format!("{hard} files"),
    };
    let found =
        format!("the server may open {most}; limits.streams = {streams} take up to {needed}");
    if hard >= needed {
        return Finding::ok(CHECK, found);
    }
    let fitting = hard.saturating_sub(FILES_BESIDE) / FILES_A_STREAM;
    let advice = format!(
        "set LimitNOFILE={needed} in the systemd unit (`ulimit -Hn`, docker run --ulimit nofile={needed}), or \
        limits.streams = {}",
        fitting.max(1)
    );
    match hard > FILES_BESIDE {
        true => Finding::warning(CHECK, found, advice),
        false => Finding::failed(CHECK, found, advice),
    }
}

fn file_size(most: u64) -> Option<Finding> {
    (most != rlimit::INFINITY).then(|| {
        Finding::warning(
            "file size",
            format!(
                "no file may grow beyond {} MiB, and so neither may the store",
                most / MIB
            ),
            "set LimitFSIZE=infinity in the systemd unit, or `ulimit -f unlimited`",
        )
    })
}

fn memory(machine: u64, budgets: u64) -> Finding {
    const CHECK: &str = "memory";
    let needed = budgets + MEMORY_BESIDE;
    let found = format!(
        "{} MiB; bodies and reads in flight may take {} MiB",
        machine / MIB,
        budgets / MIB
    );
    match needed <= machine {
        true => Finding::ok(CHECK, found),
        false => Finding::warning(
            CHECK,
            found,
            format!(
                "lower limits.bodies_in_flight_bytes and limits.reads_in_flight_bytes to {} together, or give \
                the machine (MemoryMax=, docker run --memory) more",
                machine.saturating_sub(MEMORY_BESIDE)
            ),
        ),
    }
}

/// The memory that this program may use, in bytes: the machine's, or less where its control group has a limit.
fn memory_of_machine(root: &Path) -> Option<u64> {
    let total = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let total = total
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let total: u64 = total.trim().strip_suffix(" kB")?.parse().ok()?;
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    let mount = root.join("sys/fs/cgroup");
    let group = mount.join(group.unwrap_or_default());
    // A limit of any group around it holds, too.
    let limits = group
        .ancestors()
        .take_while(|group| group.starts_with(&mount))
        .filter_map(|group| fs::read_to_string(group.join("memory.max")).ok())
        .filter_map(|limit| limit.trim().parse::<u64>().ok());
    limits.chain([total * 1_024]).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    #[test]
    fn files_are_compared_with_streams() {
        for (hard, expected) in [
            (rlimit::INFINITY, Status::Ok),
            (33_792, Status::Ok),
            (33_791, Status::Warning),
            (1_024, Status::Failed),
        ] {
            assert_eq!(open_files(hard, 16_384).status, expected, "{hard}");
        }
        let advice = open_files(4_096, 16_384).advice.unwrap();
        assert!(advice.ends_with("limits.streams = 1536"), "{advice}");
        assert_eq!(file_size(rlimit::INFINITY), None);
        assert_eq!(file_size(MIB).unwrap().status, Status::Warning);
    }

    #[test]
    fn budgets_are_compared_with_memory() {
        assert_eq!(memory(1_024 * MIB, 512 * MIB).status, Status::Ok);
        assert_eq!(memory(512 * MIB, 512 * MIB).status, Status::Warning);
    }

    #[test]
    fn a_limit_of_any_group_around_holds() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(memory_of_machine(root.path()), None);
        write("proc/meminfo", "MemTotal:        2048 kB\nMemFree: 1 kB\n");
        assert_eq!(memory_of_machine(root.path()), Some(2 * MIB));
        write("proc/self/cgroup", "0::/a/b\n");
        write("sys/fs/cgroup/a/b/memory.max", "max\n");
        assert_eq!(memory_of_machine(root.path()), Some(2 * MIB));
        write("sys/fs/cgroup/a/memory.max", "1048576\n");
        assert_eq!(memory_of_machine(root.path()), Some(MIB));
    }
}
