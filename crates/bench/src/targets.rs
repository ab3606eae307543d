//! What Convosync has to reach, and whether it does.

use crate::bodies::Shape;
use crate::figures::{Figures, Measured, Spread};
use crate::growth::Grown;
use crate::pages::PAGE;
use crate::posts::{self, ON_POSTGRES, ON_SQLITE, SHAPES};
use crate::pulls::PULL;
use crate::reads::{BARE, BY_TOKEN, IDS, NOT_MODIFIED};
use crate::streams::BESIDE;
use crate::turns::TURN;

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
    /// What was measured; the run in the middle is judged.
    pub measured: Spread,
    /// The bound.
    pub bound: f64,
    /// Whether what is measured has to be at most the bound, or else at least.
    pub at_most: bool,
}

impl Target {
    /// Whether it is reached.
    pub fn is_met(&self) -> bool {
        if self.at_most {
            self.measured.middle <= self.bound
        } else {
            self.measured.middle >= self.bound
        }
    }
}

/// What posting or getting may take at most beside the floor of its store.
pub struct Bound {
    /// Who does it on which store.
    who: &'static str,
    /// What is posted or got.
    pub what: String,
    /// What it is compared with.
    beside: &'static str,
    /// How many times what that takes.
    pub at_most: f64,
}

impl Bound {
    /// Whether it is the bound of this row.
    pub fn is_of(&self, row: &Figures) -> bool {
        (self.who, &self.what, CLIENTS) == (row.who, &row.what, row.clients)
    }
}

/// The bounds of processor time.
pub fn bounds() -> Vec<Bound> {
    let bound = |who, what, beside, at_most| Bound {
        who,
        what,
        beside,
        at_most,
    };
    let post = |who, shape, at_most| bound(who, posts::new(shape), "floor", at_most);
    let mut bounds = vec![
        post(ON_SQLITE, Shape::new(10, 10), 1.8),
        post(ON_SQLITE, Shape::new(1, 2), 3.0),
    ];
    bounds.extend(SHAPES.map(|(shape, _)| post(ON_POSTGRES, shape, 2.0)));
    for who in [ON_SQLITE, ON_POSTGRES] {
        bounds.push(bound(who, PAGE.to_owned(), "floor", 2.0));
        bounds.push(bound(who, TURN.to_owned(), "the post alone", 1.3));
    }
    bounds
}

/// How many megabytes of JSON a first pull has to bring in a second.
const PULL_RATES: [(&str, f64); 2] = [(ON_SQLITE, 200.0), (ON_POSTGRES, 100.0)];

/// The targets of which everything was measured that they compare.
pub fn judge(measured: &Measured, grown: &[Grown]) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut judge = |what: String, measured: Option<Spread>, bound, at_most| {
        targets.extend(measured.map(|measured| Target {
            what,
            measured,
            bound,
            at_most,
        }));
    };
    let beside_floor = |who, what: &str| measured.find(who, what, CLIENTS)?.ratio;
    let cpu = |what: &str| Some(measured.find(ON_SQLITE, what, CLIENTS)?.cpu);
    let rate = |who, what| Some(measured.find(who, what, CLIENTS)?.rate);
    let once = |value: Option<f64>| Spread::of(value.into_iter().collect());

    for bound in bounds() {
        let ratio = beside_floor(bound.who, &bound.what);
        let (what, who, beside) = (&bound.what, bound.who, bound.beside);
        judge(
            format!("{what}, {who}: CPU ÷ {beside}"),
            ratio,
            bound.at_most,
            true,
        );
    }
    for idle in &measured.idle_streams {
        let of = |what: &str| format!("{what}, {}", idle.who);
        judge(
            of("posts beside 2,000 idle streams: CPU ÷ without"),
            beside_floor(idle.who, BESIDE),
            1.1,
            true,
        );
        judge(of("an idle stream: KiB"), Some(idle.kib), 20.0, true);
    }
    for (who, at_least) in PULL_RATES {
        let rates = measured.find(who, PULL, 1).and_then(|row| row.rates);
        judge(format!("{PULL}, {who}: MB/s"), rates, at_least, false);
    }
    for (shape, _) in SHAPES {
        let (new, again) = (posts::new(shape), posts::again(shape));
        let ratio = ratio(cpu(&again), cpu(&new));
        judge(format!("{again} ÷ new, CPU"), once(ratio), 0.25, true);
    }
    judge(
        format!("{IDS}: answers a second ÷ bare handler"),
        beside_floor(ON_SQLITE, IDS),
        0.5,
        false,
    );
    let unchanged = ratio(rate(ON_SQLITE, NOT_MODIFIED), rate(BARE, IDS));
    let what = format!("{NOT_MODIFIED}: answers a second ÷ bare handler's ids");
    judge(what, once(unchanged), 0.9, false);
    let cpu_of = |who| Some(measured.find(who, NOT_MODIFIED, CLIENTS)?.cpu);
    let of_token = cpu_of(BY_TOKEN).zip(cpu_of(ON_SQLITE));
    judge(
        "a token that was checked before: CPU µs".to_owned(),
        once(of_token.map(|(with, without)| with - without)),
        30.0,
        true,
    );
    if let [first, .., last] = grown {
        let what = format!(
            "{} million messages: CPU ÷ empty",
            last.messages / 1_000_000
        );
        let ratio = last.figures.cpu / first.figures.cpu;
        judge(what, once(Some(ratio)), 1.5, true);
    }
    for (shape, _) in SHAPES {
        for clients in posts::CLIENTS {
            let row = measured.find(ON_SQLITE, &posts::new(shape), clients);
            let peak = row.and_then(|row| row.peak_memory);
            let in_flight = clients * shape.messages_a_body() * MESSAGE_BYTES;
            judge(
                format!("{shape}, {clients} clients: peak memory in MiB"),
                once(peak.map(|bytes| bytes as f64 / MIB)),
                64.0 + 3.0 * in_flight as f64 / MIB,
                true,
            );
        }
    }
    targets
}

fn ratio(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one? / other?)
}
