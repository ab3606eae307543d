//! The folder of an app that is served beside the API.

use crate::backend::Backend;
use crate::finding::Finding;
use crate::settings::Configuration;
use crate::static_folder;

const CHECK: &str = "static folder";

/// Nothing where no files are served.
pub(super) fn finding(configuration: &Configuration, backend: &dyn Backend) -> Option<Finding> {
    let path = configuration.settings.server.static_folder()?;
    let folder = match static_folder::of(configuration, backend) {
        Ok(folder) => folder?,
        Err(failure) => {
            return Some(Finding::failed(
                CHECK,
                failure.to_string(),
                "name the folder that the app was built to (dist), and nothing but the app in it",
            ));
        }
    };
    let path = path.display();
    Some(match folder.has_start_page() {
        Ok(true) => Finding::ok(CHECK, path.to_string()),
        Ok(false) => Finding::warning(
            CHECK,
            format!("{path} has no index.html: / is answered as without an app"),
            "build the app into it, or name the folder that has its index.html",
        ),
        Err(error) => Finding::failed(
            CHECK,
            format!("cannot read index.html in {path}: {error}"),
            "let the user that serves read it",
        ),
    })
}
