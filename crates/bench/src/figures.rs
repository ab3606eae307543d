//! What is measured, and its units.

use std::fmt;
use std::time::Duration;

use crate::load::Load;
use crate::streams::IdleStream;

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
    /// The same in all rounds.
    pub rates: Option<Spread>,
    /// How long answers took, in milliseconds: half of them, 99 of 100, all.
    pub latency: Option<[f64; 3]>,
    /// The most memory the process has had, in bytes.
    pub peak_memory: Option<u64>,
    /// What it is beside the floor of the same round, over all rounds.
    pub ratio: Option<Spread>,
}

/// What several runs came to: machines are noisy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The least.
    pub least: f64,
    /// The one in the middle, which counts.
    pub middle: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Spread {
    /// That of these runs; `None` of none.
    pub fn of(mut runs: Vec<f64>) -> Option<Self> {
        runs.sort_by(f64::total_cmp);
        Some(Self {
            least: *runs.first()?,
            middle: *runs.get(runs.len() / 2)?,
            greatest: *runs.last()?,
        })
    }
}

/// As in `1.61 (1.55 to 1.84)`; one run has no spread.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.middle)?;
        if self.least < self.greatest {
            write!(f, " ({:.2} to {:.2})", self.least, self.greatest)?;
        }
        Ok(())
    }
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
            rates: None,
            latency: Some([milliseconds(50), milliseconds(99), milliseconds(100)]),
            peak_memory: spent.peak_memory,
            ratio: None,
        }
    }

    /// The same counted in millions of its units, like megabytes instead of bytes.
    pub fn in_millions(self) -> Self {
        Self {
            cpu: self.cpu * 1e6,
            database_cpu: self.database_cpu * 1e6,
            rate: self.rate / 1e6,
            ..self
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

/// The runs of one thing, of which the one in the middle counts.
fn median(mut runs: Vec<Figures>) -> Option<Figures> {
    runs.sort_by(|one, other| one.cpu.total_cmp(&other.cpu));
    let middle = runs.len() / 2;
    (middle < runs.len()).then(|| runs.swap_remove(middle))
}

/// All that was measured, in order.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The rows.
    pub rows: Vec<Figures>,
    /// What idle streams take.
    pub idle_streams: Vec<IdleStream>,
}

impl Measured {
    /// The row of this name.
    pub fn find(&self, who: &str, what: &str, clients: usize) -> Option<&Figures> {
        self.rows
            .iter()
            .find(|row| row.who == who && row.what == what && row.clients == clients)
    }

    /// Adds the median of each thing that was measured in several rounds, and what it is beside what
    /// `ratio` finds for it among the figures of the same round.
    pub fn add_medians(
        &mut self,
        rounds: &[Vec<Figures>],
        ratio: impl Fn(&Figures, &[Figures]) -> Option<f64>,
    ) {
        let things = rounds.first().map_or(0, Vec::len);
        for thing in 0..things {
            let runs = rounds
                .iter()
                .filter_map(|round| Some((round.get(thing)?, round)));
            let ratios = runs.clone().filter_map(|(run, round)| ratio(run, round));
            let ratio = Spread::of(ratios.collect());
            let rates = Spread::of(runs.clone().map(|(run, _)| run.rate).collect());
            let middle = median(runs.map(|(run, _)| run.clone()).collect());
            self.rows.extend(middle.map(|figures| Figures {
                ratio,
                rates,
                ..figures
            }));
        }
    }
}

/// What posting took beside a floor, in processor time.
pub fn cpu_beside(floor: &str) -> impl Fn(&Figures, &[Figures]) -> Option<f64> {
    move |row, round| {
        let is_floor = |other: &&Figures| other.who == floor && other.what == row.what;
        Some(row.cpu / round.iter().find(is_floor)?.cpu)
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
    fn the_run_in_the_middle_counts_and_all_runs_show() {
        let mut measured = Measured::default();
        let server = |cpu| Figures {
            who: "server",
            ..run(cpu)
        };
        let rounds = [
            vec![run(3.0), server(12.0)],
            vec![run(1.0), server(30.0)],
            vec![run(2.0), server(20.0)],
        ];
        measured.add_medians(&rounds, cpu_beside("floor"));
        let cpu: Vec<_> = measured.rows.iter().map(|row| row.cpu).collect();
        assert_eq!(cpu, [2.0, 20.0]);
        let ratios = measured
            .rows
            .iter()
            .map(|row| row.ratio.unwrap().to_string());
        let ratios: Vec<_> = ratios.collect();
        assert_eq!(ratios, ["1.00", "10.00 (4.00 to 30.00)"]);
    }
}
