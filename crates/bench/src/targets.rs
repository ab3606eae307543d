//! What Convosync has to reach, and whether it does.

use crate::bodies::Shape;
use crate::figures::Measured;
use crate::growth::Grown;
use crate::posts::{self, COPY_FLOOR, ON_POSTGRES, ON_SQLITE, SHAPES, SQLITE_FLOOR};
use crate::reads::{BARE, IDS, NOT_MODIFIED};

/// The load under which targets are judged.
const CLIENTS: usize = 8;
/// A body of the shapes takes about so many bytes a message.
const MESSAGE_BYTES: usize = 1_900;
const MIB: f64 = 1_048_576.0;

/// One of the targets.
#[derive(Clone, Debug)]
pub struct Target {
    /// What is compared.
    pub what: String,
    /// What was measured.
    pub measured: f64,
    /// The bound.
    pub bound: f64,
    /// Whether what is measured has to be at most the bound, or else at least.
    pub at_most: bool,
}

impl Target {
    /// Whether it is reached.
    pub fn is_met(&self) -> bool {
        if self.at_most {
            self.measured <= self.bound
        } else {
            self.measured >= self.bound
        }
    }
}

/// The targets of which everything was measured that they compare.
pub fn judge(measured: &Measured, grown: &[Grown]) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut judge = |what: String, ratio: Option<f64>, bound, at_most| {
        targets.extend(ratio.map(|measured| Target {
            what,
            measured,
            bound,
            at_most,
        }));
    };
    let cpu = |who, what: &str, clients| Some(measured.find(who, what, clients)?.cpu);
    let rate = |who, what, clients| Some(measured.find(who, what, clients)?.rate);

    for (shape, bound) in [(Shape::new(10, 10), 1.8), (Shape::new(1, 2), 3.0)] {
        let what = posts::new(shape);
        let ratio = ratio(cpu(ON_SQLITE, &what, CLIENTS), cpu(SQLITE_FLOOR, &what, 1));
        judge(format!("{what} on SQLite: CPU ÷ floor"), ratio, bound, true);
    }
    for (shape, _) in SHAPES {
        let (new, again) = (posts::new(shape), posts::again(shape));
        let ratio = ratio(
            cpu(ON_SQLITE, &again, CLIENTS),
            cpu(ON_SQLITE, &new, CLIENTS),
        );
        judge(format!("{again} ÷ new, CPU"), ratio, 0.25, true);
    }
    let bare = rate(BARE, IDS, CLIENTS);
    let ids = ratio(rate(ON_SQLITE, IDS, CLIENTS), bare);
    judge(
        format!("{IDS}: answers a second ÷ bare handler"),
        ids,
        0.5,
        false,
    );
    let unchanged = ratio(rate(ON_SQLITE, NOT_MODIFIED, CLIENTS), bare);
    let what = format!("{NOT_MODIFIED}: answers a second ÷ bare handler's ids");
    judge(what, unchanged, 0.9, false);
    if let [first, .., last] = grown {
        let what = format!(
            "{} million messages: CPU ÷ empty",
            last.messages / 1_000_000
        );
        judge(what, Some(last.figures.cpu / first.figures.cpu), 1.5, true);
    }
    for (shape, _) in SHAPES {
        for clients in posts::CLIENTS {
            let row = measured.find(ON_SQLITE, &posts::new(shape), clients);
            let peak = row.and_then(|row| row.peak_memory);
            let in_flight = clients * shape.messages_a_body() * MESSAGE_BYTES;
            judge(
                format!("{shape}, {clients} clients: peak memory in MiB"),
                peak.map(|bytes| bytes as f64 / MIB),
                64.0 + 3.0 * in_flight as f64 / MIB,
                true,
            );
        }
    }
    for (shape, _) in SHAPES {
        let what = posts::new(shape);
        let ratio = ratio(cpu(ON_POSTGRES, &what, CLIENTS), cpu(COPY_FLOOR, &what, 1));
        judge(
            format!("{what} on PostgreSQL: CPU ÷ COPY floor"),
            ratio,
            2.0,
            true,
        );
    }
    targets
}

fn ratio(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one? / other?)
}
