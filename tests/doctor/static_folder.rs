//! A folder of files beside the API.

use std::fs;

use tempfile::tempdir;

use super::Findings;

#[test]
fn a_folder_of_files_is_looked_at() {
    const CHECK: &str = "static folder";
    let folder = tempdir().unwrap();
    let find = |path: &str| {
        let settings = [
            ("CONVOSYNC__SERVER__PORT", "0"),
            ("CONVOSYNC__SERVER__STATIC_FOLDER", path),
        ];
        Findings::of(folder.path(), &settings, &[])
    };
    find("nowhere").assert_told(CHECK, "failed", "cannot read nowhere");
    find(".").assert_told(CHECK, "failed", "convosync.db (database.url)");
    fs::create_dir(folder.path().join("dist")).unwrap();
    find("dist").assert_told(CHECK, "warning", "no index.html");
    fs::write(folder.path().join("dist/index.html"), "").unwrap();
    let findings = find("dist");
    findings.assert_sound();
    findings.assert_told(CHECK, "ok", "dist");
    assert_eq!(find("").told(CHECK), "");
}
