//! Compiles the crate anew when a migration that is embedded in it changes.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
