//! `convosync openapi`

use convosync_http_actix::openapi;

use crate::failure::Failure;
use crate::output::print;
use crate::version::VERSION;

/// Prints the OpenAPI document of this version.
pub(super) fn print_document() -> Result<(), Failure> {
    print(&openapi(VERSION))
}
