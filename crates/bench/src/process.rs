//! What the kernel says of a process: `/proc`, so on Linux only.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// The kernel counts processor time in hundredths of a second, whatever its own clock.
const TICKS_A_SECOND: u64 = 100;

/// A process to be watched.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

impl Process {
    /// The processor time it has had, in user and kernel mode, children that have ended included.
    pub fn cpu(self) -> Result<Duration> {
        let ticks: u64 = self.stat()?.iter().skip(11).take(4).sum();
        Ok(Duration::from_millis(ticks * 1_000 / TICKS_A_SECOND))
    }

    /// The processor time of it and of all its children.
    pub fn cpu_of_tree(self) -> Result<Duration> {
        let mut all = self.cpu()?;
        let children = format!("/proc/{0}/task/{0}/children", self.0);
        for child in fs::read_to_string(children)?.split_whitespace() {
            // One that ends meanwhile is counted with its parent the next time.
            all += Self(child.parse()?).cpu().unwrap_or_default();
        }
        Ok(all)
    }

    /// The most memory it has had at once, in bytes.
    pub fn peak_memory(self) -> Result<u64> {
        self.status("VmHWM:")
    }

    /// The memory it has now, in bytes.
    pub fn memory(self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// Its parent.
    pub fn parent(self) -> Result<Self> {
        let parent = self.stat()?.get(1).copied().context("no parent in /proc")?;
        Ok(Self(u32::try_from(parent)?))
    }

    /// A line of `/proc/PID/status` that is in kB, in bytes.
    fn status(self, name: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let found = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|rest| rest.trim().strip_suffix(" kB"))
            .with_context(|| format!("no {name} in /proc"))?;
        Ok(found.trim().parse::<u64>()? * 1_024)
    }

    /// The numbers of `/proc/PID/stat` from the state on, which counts as 0 like all that is negative.
    fn stat(self) -> Result<Vec<u64>> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        let (_, numbers) = stat.rsplit_once(')').context("no name in /proc")?;
        let number = |text: &str| text.parse().unwrap_or(0);
        Ok(numbers.split_whitespace().map(number).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn processor_time_and_memory_are_those_of_the_process() {
        let this = Process(std::process::id());
        let before = this.cpu().unwrap();
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(2) && this.cpu().unwrap() == before {}
        // Each is read after the one that it may not fall below: the clock of the process runs on.
        let after = this.cpu().unwrap();
        assert!(after > before);
        assert!(this.cpu_of_tree().unwrap() >= after);
        assert!(this.memory().unwrap() > 1_000_000);
        assert!(this.peak_memory().unwrap() >= this.memory().unwrap());
        assert_eq!(
            this.parent().unwrap().0,
            std::os::unix::process::parent_id()
        );
    }
}
