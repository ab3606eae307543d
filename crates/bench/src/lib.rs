//! Measures Convosync: side by side with what its work costs at the least (`make bench`), and its hot
//! paths by themselves (`cargo bench`, `make check-perf`).

pub mod bare;
pub mod big_store;
pub mod bodies;
pub mod convosync;
pub mod document;
pub mod drawing;
pub mod feed;
pub mod figures;
pub mod floor;
pub mod growth;
pub mod hot_paths;
pub mod http;
pub mod load;
pub mod pages;
pub mod plots;
pub mod pocketbase;
pub mod postgres_server;
pub mod posts;
pub mod process;
pub mod pulls;
pub mod reads;
pub mod report;
pub mod streams;
pub mod targets;
pub mod turns;
pub mod watched;
