//! Memory that nobody uses goes back to the system, also while nothing is asked of the server.

use std::hint::black_box;
use std::time::Duration;

use tokio::time::interval;

/// The allocator keeps freed memory for a second in case it is wanted again, and gives it back when it next takes a
/// block of this size; that is to say, as long as there are requests.
const BLOCK: usize = 4 << 20;
const EVERY: Duration = Duration::from_secs(5);

/// Takes and frees a block every few seconds. It never ends.
pub(crate) async fn give_back() {
    let mut ticks = interval(EVERY);
    loop {
        ticks.tick().await;
        drop(black_box(Vec::<u8>::with_capacity(BLOCK)));
    }
}
