//! `/api/visitors/`: registers visitors, tells of them, and what is done with a visitor as a whole.

mod erase;
mod export;
mod merge;
mod openapi;
mod register;
mod request;
mod summary;

pub(crate) use erase::delete;
pub(crate) use export::export;
pub(crate) use merge::merge;
pub(crate) use openapi::{
    describe_delete, describe_export, describe_get, describe_merge, describe_post,
};
pub(crate) use register::post;
pub(crate) use summary::get;
