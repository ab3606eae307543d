//! JSON, both ways, whatever it is about.
//!
//! - [`reader`] walks the fields of any object, [`field`] holds every rule for the value of a field and every
//!   leniency, [`violation`] says what is wrong and where.
//! - [`writer`] writes answers.

mod decimal;
mod field;
mod leniency;
mod reader;
mod seen_keys;
mod string;
mod violation;
mod writer;

pub(crate) use field::{MUST_BE_ID, RawField};
pub(crate) use leniency::Leniency;
pub(crate) use reader::{Object, ObjectVisitor, Reader};
pub(crate) use string::decode_text;
pub(crate) use violation::{Grouped, JsonPath, Problem, Refusal, Violation};
pub(crate) use writer::{
    ObjectWriter, end_line, in_one_line, push, push_array, push_id, push_plain, push_string,
};

pub(crate) const MUST_BE_ARRAY: &str = "must be an array";
pub(crate) const MUST_BE_OBJECT: &str = "must be an object";
