//! How much a test does: little in every run of the tests, more where there is time.

/// A number of repetitions: that of the environment variable of this name, else `quick` as often as the factor
/// `CONVOSYNC_TORTURE` says, which is 1 unless set.
pub(crate) fn scaled(name: &str, quick: u128) -> u128 {
    let number = |name: &str| {
        let value = std::env::var(name).ok()?;
        let number = value.parse();
        Some(number.unwrap_or_else(|_| panic!("{name} is {value:?} and must be a number")))
    };
    number(name).unwrap_or_else(|| quick * number("CONVOSYNC_TORTURE").unwrap_or(1))
}

/// Tells what a test has done for a figure of `docs/reliability.md`, where its output is shown.
#[expect(clippy::print_stdout, reason = "this is what it is for")]
pub(crate) fn report(figure: &str, done: &str) {
    println!("figure {figure}: {done}");
}
