//! The files of the store are moved, deleted or replaced, and two servers share them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{check_stored, post, ready, server, until};
use crate::crashes::{body, id};
use crate::support::api::Api;
use crate::support::{Finished, Server, convosync};

fn store(server: &Server) -> PathBuf {
    server.folder().join("data/convosync.db")
}

/// What is done to the files, and undone where that brings them back.
struct Fault {
    name: &'static str,
    done: fn(&Path),
    undone: Option<fn(&Path)>,
    /// Whether something is at the path afterwards.
    leaves_a_file: bool,
    /// Whether a restart finds what was acknowledged.
    keeps_what_is_stored: bool,
}

const FAULTS: [Fault; 5] = [
    Fault {
        name: "the file is moved",
        done: |file| fs::rename(file, file.with_extension("away")).unwrap(),
        undone: Some(|file| fs::rename(file.with_extension("away"), file).unwrap()),
        leaves_a_file: false,
        keeps_what_is_stored: true,
    },
    Fault {
        name: "the folder is renamed",
        done: |file| {
            let folder = file.parent().unwrap();
            fs::rename(folder, folder.with_extension("away")).unwrap();
        },
        undone: Some(|file| {
            let folder = file.parent().unwrap();
            fs::rename(folder.with_extension("away"), folder).unwrap();
        }),
        leaves_a_file: false,
        keeps_what_is_stored: true,
    },
    Fault {
        name: "the file is deleted",
        done: |file| fs::remove_file(file).unwrap(),
        undone: None,
        leaves_a_file: false,
        keeps_what_is_stored: false,
    },
    Fault {
        name: "the log is deleted",
        done: |file| fs::remove_file(file.with_extension("db-wal")).unwrap(),
        undone: None,
        leaves_a_file: true,
        keeps_what_is_stored: true,
    },
    Fault {
        name: "an older copy is put in its place",
        done: |file| {
            let copy = file.with_extension("copy");
            fs::copy(file, &copy).unwrap();
            fs::rename(copy, file).unwrap();
        },
        undone: None,
        leaves_a_file: true,
        keeps_what_is_stored: false,
    },
];

/// Posts until told to stop, each with whether the fault had been done before it was sent and what it was answered.
fn write(
    api: &Api,
    cycle: u128,
    is_done: &AtomicBool,
    stop: &AtomicBool,
) -> Vec<(String, bool, u16)> {
    let mut answered = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let conversation = id(cycle, 0, number);
        let was_done = is_done.load(Ordering::Acquire);
        let answer = api.post(&body(&conversation));
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
        answered.push((conversation, was_done, answer.status));
    }
    answered
}

/// No post that is sent after the fault is acknowledged, not even one; and none that was before it is lost.
#[test]
fn no_post_is_acknowledged_into_files_that_are_gone() {
    for (cycle, fault) in (0..).zip(&FAULTS) {
        let (mut server, ada) = server(&[]);
        let path = store(&server);
        let (is_done, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        let answered = thread::scope(|scope| {
            let writing = scope.spawn(|| write(&ada, cycle, &is_done, &stop));
            until("nothing is stored", || ada.ids().len() > 3);
            (fault.done)(&path);
            is_done.store(true, Ordering::Release);
            let refused = ada.post(&body(&id(cycle, 2, 0)));
            assert_eq!(refused.status, 503, "{}: {refused:?}", fault.name);
            assert!(!ready(&server), "{}", fault.name);
            assert_eq!(ada.changes().status, 503, "{}", fault.name);
            assert_eq!(server.get("/livez").status, 200);
            until("the log does not tell", || {
                let said = server.stderr();
                let mut lines = said.lines();
                lines.any(|line| line.contains("ERROR") && line.contains("/data/convosync.db"))
            });
            assert_eq!(path.exists(), fault.leaves_a_file, "{}", fault.name);
            if let Some(undo) = fault.undone {
                undo(&path);
                until("it does not go on", || ready(&server));
                post(&ada, &id(cycle, 1, 0));
            }
            stop.store(true, Ordering::Release);
            writing.join().unwrap()
        });
        if fault.undone.is_none() {
            let is_lost = |(_, was_done, status): &(String, bool, u16)| *was_done && *status == 200;
            assert!(!answered.iter().any(is_lost), "{}", fault.name);
        }
        assert!(server.stop().success());
        assert_eq!(path.exists(), fault.leaves_a_file || fault.undone.is_some());
        if !fault.keeps_what_is_stored {
            continue;
        }
        server.restart();
        let acknowledged = answered.into_iter().filter(|(_, _, status)| *status == 200);
        let acknowledged: Vec<_> = acknowledged
            .map(|(conversation, ..)| conversation)
            .collect();
        check_stored(
            &Api::unregistered(&server.url(), "user_id=ada"),
            &acknowledged,
        );
    }
}

#[test]
fn two_servers_of_which_one_takes_a_link_lose_nothing() {
    let (mut one, _) = server(&[]);
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link.db");
    symlink(store(&one), &link).unwrap();
    let url = format!("sqlite://{}", link.display());
    let mut other = Server::start_on(None, &[("CONVOSYNC__DATABASE__URL", &url)]);
    let apis = [&one, &other].map(|server| Api::unregistered(&server.url(), "user_id=ada"));
    let stop = AtomicBool::new(false);
    let acknowledged: Vec<String> = thread::scope(|scope| {
        let writing: Vec<_> = (0..)
            .zip(&apis)
            .map(|(writer, api)| {
                let stop = &stop;
                scope.spawn(move || {
                    let posts = (0..).map(|number| id(9, writer, number));
                    let posts = posts.take_while(|_| !stop.load(Ordering::Relaxed));
                    posts
                        .inspect(|conversation| post(api, conversation))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        until("nothing is stored", || apis[0].ids().len() > 40);
        stop.store(true, Ordering::Relaxed);
        writing
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect()
    });
    assert!(one.stop().success());
    check_stored(&apis[1], &acknowledged);
    assert!(other.stop().success());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    one.restart();
    check_stored(&Api::unregistered(&one.url(), "user_id=ada"), &acknowledged);
}

#[test]
fn links_that_lead_to_no_store_of_its_own_are_refused() {
    let (server, _) = server(&[]);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::hard_link(store(&server), at("hard")).unwrap();
    symlink(at("nothing"), at("dangling")).unwrap();
    symlink(at("loop"), at("loop")).unwrap();
    for (name, reason) in [
        ("hard", "it has 2 names"),
        ("dangling", "leads nowhere"),
        ("loop", "symbolic links"),
    ] {
        for command in ["serve", "migrate"] {
            let url = format!("sqlite://{}", at(name).display());
            let mut command_line = convosync(folder.path());
            command_line.args([command, "--database-url", &url]);
            let finished = Finished::of(command_line.env("CONVOSYNC__SERVER__PORT", "0"));
            let complaint = finished.complaint(1);
            assert!(complaint.contains(reason), "{complaint}");
            assert!(
                complaint.contains(at(name).to_str().unwrap()),
                "{complaint}"
            );
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}
