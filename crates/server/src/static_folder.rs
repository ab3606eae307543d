//! The folder of an app that is served beside the API.

use std::path::{Path, PathBuf};

use convosync_http_actix::StaticFolder;

use crate::backend::Backend;
use crate::failure::Failure;
use crate::settings::Configuration;

const KEY: &str = "server.static_folder";

/// The folder that the settings name; none where they name none.
///
/// # Errors
/// A [`Failure`] of usage where it cannot be read, or holds what nobody is to have.
pub(crate) fn of(
    configuration: &Configuration,
    backend: &dyn Backend,
) -> Result<Option<StaticFolder>, Failure> {
    let Some(path) = configuration.settings.server.static_folder() else {
        return Ok(None);
    };
    let folder = StaticFolder::at(path).map_err(|error| {
        let problem = format!(
            "cannot read {}: {error}; it has to be a folder, for the user that serves to read",
            path.display()
        );
        configuration.refuse(KEY, &problem)
    })?;
    let real = real_path(path);
    let within = private(configuration, backend)
        .into_iter()
        .find(|(_, private)| real_path(private).starts_with(&real));
    match within {
        None => Ok(Some(folder)),
        Some((of, private)) => {
            let problem = format!(
                "everybody could read {} ({of}), which is in {}",
                private.display(),
                path.display()
            );
            Err(configuration.refuse(KEY, &problem))
        }
    }
}

/// Files and folders of the server that nobody else is to read, and which setting each is of.
fn private(configuration: &Configuration, backend: &dyn Backend) -> Vec<(&'static str, PathBuf)> {
    let settings = &configuration.settings;
    let mut private = Vec::new();
    if let Some(store) = backend.path() {
        private.push(("database.url", store.to_owned()));
        private.push(("backup.folder", settings.backup.folder(store)));
    }
    if let Some(file) = configuration.file() {
        private.push(("--config", file.to_owned()));
    }
    if let Some((_, key)) = settings.server.tls.files() {
        private.push(("server.tls.key", key.to_owned()));
    }
    let secret = &settings.auth.jwt.secret_file;
    if !secret.is_empty() {
        private.push(("auth.jwt.secret_file", PathBuf::from(secret)));
    }
    private
}

/// Where a path leads, through links; of what is not there yet, where it will be.
fn real_path(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = absolute
        .ancestors()
        .find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    match there {
        Some((ancestor, real)) => match absolute.strip_prefix(ancestor) {
            Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
            _ => real,
        },
        None => absolute,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn where_a_path_leads() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        fs::create_dir(folder.join("app")).unwrap();
        symlink(folder.join("app"), folder.join("link")).unwrap();
        let app = folder.join("app");
        assert_eq!(real_path(&folder.join("link")), app);
        let to_be = real_path(&folder.join("link/data/convosync.db"));
        assert_eq!(to_be, app.join("data/convosync.db"));
    }
}
