//! Streams and waiting pulls of running servers: alone, two on one store, cut, stopped, not read.

mod cuts;
mod cutting_proxy;
mod limits;
mod servers;
mod stop;

use serde_json::{Value, json};

/// A post of one conversation.
fn body(id: &str) -> Value {
    json!({ "conversations": [{ "id": id, "title": format!("title of {id}") }] })
}
