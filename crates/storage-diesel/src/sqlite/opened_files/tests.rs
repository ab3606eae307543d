use super::*;

fn files(folder: &Path) -> StoreFiles {
    let path = folder.join("store");
    for suffix in ["", "-wal", "-shm"] {
        fs::write(beside(&path, suffix), "1234").unwrap();
    }
    let files = StoreFiles::at(path.clone(), path);
    files.adopt();
    assert_eq!(files.look(), Ok(()));
    files.adopt_log();
    files
}

#[test]
fn each_loss_is_noticed_and_passes_when_the_same_file_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let away = folder.path().join("away");
    for (suffix, gone, replaced) in [
        ("", FileLoss::Gone, FileLoss::Replaced),
        ("-wal", FileLoss::LogGone, FileLoss::LogReplaced),
        ("-shm", FileLoss::LogGone, FileLoss::LogReplaced),
    ] {
        let path = files.beside(suffix);
        fs::rename(&path, &away).unwrap();
        assert_eq!(files.look(), Err(gone), "{suffix}");
        assert_eq!(files.loss(), Err(gone));
        fs::copy(&away, &path).unwrap();
        assert_eq!(files.look(), Err(replaced), "{suffix}");
        fs::rename(&away, &path).unwrap();
        assert_eq!(files.loss(), Err(replaced));
        assert_eq!(files.look(), Ok(()));
        assert!(!files.is_lost());
    }
}

#[test]
fn a_file_that_was_overwritten_is_never_back() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    fs::write(files.path(), "12").unwrap();
    assert_eq!(files.look(), Ok(()));
    assert_eq!(files.shorter(), Some(2));
    // A program that made it smaller.
    assert_eq!(files.explain(2, true), Ok(()));
    assert_eq!(files.shorter(), None);
    fs::write(files.path(), "1").unwrap();
    assert_eq!(files.look(), Ok(()));
    assert_eq!(files.explain(1, false), Err(FileLoss::Overwritten));
    fs::write(files.path(), "1234").unwrap();
    assert_eq!(files.look(), Err(FileLoss::Overwritten));
}

#[test]
fn a_log_that_was_given_up_may_go() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    files.release_log();
    fs::remove_file(files.beside("-wal")).unwrap();
    assert_eq!(files.look(), Ok(()));
    fs::write(files.beside("-wal"), "").unwrap();
    files.adopt_log();
    fs::remove_file(files.beside("-wal")).unwrap();
    assert_eq!(files.look(), Err(FileLoss::LogGone));
    files.release_log();
    assert_eq!(files.look(), Err(FileLoss::LogGone));
}

#[test]
fn a_symbolic_link_that_leads_elsewhere_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let named = folder.path().join("named");
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    fs::write(&one, "").unwrap();
    fs::write(&other, "").unwrap();
    std::os::unix::fs::symlink(&one, &named).unwrap();
    let files = StoreFiles::at(named.clone(), one.clone());
    files.adopt();
    assert_eq!(files.look(), Ok(()));
    fs::remove_file(&named).unwrap();
    std::os::unix::fs::symlink(&other, &named).unwrap();
    assert_eq!(files.look(), Err(FileLoss::Replaced));
    // The file was moved, and the link follows it: its log is where it was.
    fs::rename(&one, &other).unwrap();
    assert_eq!(files.look(), Err(FileLoss::Gone));
}
