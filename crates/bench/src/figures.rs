//! What is measured, and its units.

use std::time::Duration;

use crate::load::Load;

/// One row of the tables: what some load took.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Who was measured.
    pub who: &'static str,
    /// What it was asked for, like "10×10 new".
    pub what: String,
    /// How many clients asked at once.
    pub clients: usize,
    /// Processor time for each message or answer, in microseconds.
    pub cpu: f64,
    /// How much of it the database's own processes took.
    pub database_cpu: f64,
    /// Messages or answers a second.
    pub rate: f64,
    /// How long answers took, in milliseconds: half of them, 99 of 100, all.
    pub latency: Option<[f64; 3]>,
    /// The most memory the process has had, in bytes.
    pub peak_memory: Option<u64>,
}

impl Figures {
    /// What a load took of which the processor time is known.
    pub fn of(who: &'static str, what: String, clients: usize, load: &Load, spent: Spent) -> Self {
        let milliseconds = |percent| load.latencies.percentile(percent).as_secs_f64() * 1e3;
        let a_unit = |cpu: Duration| cpu.as_secs_f64() * 1e6 / spent.units as f64;
        Self {
            who,
            what,
            clients,
            cpu: a_unit(spent.cpu + spent.database_cpu),
            database_cpu: a_unit(spent.database_cpu),
            rate: spent.units as f64 / load.wall.as_secs_f64(),
            latency: Some([milliseconds(50), milliseconds(99), milliseconds(100)]),
            peak_memory: spent.peak_memory,
        }
    }

    /// What a floor took, which has no clients.
    pub fn of_floor(who: &'static str, what: String, wall: Duration, spent: Spent) -> Self {
        let load = Load {
            wall,
            latencies: crate::load::Latencies::default(),
        };
        Self {
            latency: None,
            ..Self::of(who, what, 1, &load, spent)
        }
    }
}

/// What a load cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// Messages, or answers.
    pub units: usize,
    /// Processor time of the process that is measured.
    pub cpu: Duration,
    /// Processor time of the database's processes.
    pub database_cpu: Duration,
    /// The most memory the process has had, in bytes.
    pub peak_memory: Option<u64>,
}

/// The runs of one thing, of which the one in the middle counts: machines are noisy.
pub fn median(mut runs: Vec<Figures>) -> Option<Figures> {
    runs.sort_by(|one, other| one.cpu.total_cmp(&other.cpu));
    let middle = runs.len() / 2;
    (middle < runs.len()).then(|| runs.swap_remove(middle))
}

/// All that was measured, in order.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The rows.
    pub rows: Vec<Figures>,
}

impl Measured {
    /// The row of this name.
    pub fn find(&self, who: &str, what: &str, clients: usize) -> Option<&Figures> {
        self.rows
            .iter()
            .find(|row| row.who == who && row.what == what && row.clients == clients)
    }

    /// Adds the median of each thing that was measured in several rounds.
    pub fn add_medians(&mut self, rounds: Vec<Vec<Figures>>) {
        let mut things: Vec<Vec<Figures>> = Vec::new();
        for round in rounds {
            things.resize_with(things.len().max(round.len()), Vec::new);
            for (thing, run) in things.iter_mut().zip(round) {
                thing.push(run);
            }
        }
        self.rows.extend(things.into_iter().filter_map(median));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(cpu: f64) -> Figures {
        let what = "x".to_owned();
        let mut figures =
            Figures::of_floor("floor", what, Duration::from_secs(1), Spent::default());
        figures.cpu = cpu;
        figures
    }

    #[test]
    fn the_run_in_the_middle_counts() {
        let mut measured = Measured::default();
        measured.add_medians(vec![
            vec![run(3.0), run(10.0)],
            vec![run(1.0), run(30.0)],
            vec![run(2.0), run(20.0)],
        ]);
        let cpu: Vec<_> = measured.rows.iter().map(|row| row.cpu).collect();
        assert_eq!(cpu, [2.0, 20.0]);
    }
}
