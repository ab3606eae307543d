//! That a post is on the disk before it is answered.

use super::faulty_disk::FaultyDisk;
use super::journal::{Event, Journal};
use super::posts::body;
use crate::crashes::id;
use crate::support::api::Api;
use crate::support::{report, scaled};

#[test]
fn every_post_is_synced_before_its_answer_is_sent() {
    let disk = FaultyDisk::new();
    let mut server = disk.server(true);
    server.restart();
    let ada = Api::register(&server.url(), "user_id=ada");
    let posts = scaled("CONVOSYNC_SYNCED_POSTS", 50);
    let answers = |journal: &Journal| {
        let answers = journal.records.iter();
        answers.filter(|it| it.event == Event::Answered).count()
    };
    let before = answers(&Journal::read(&disk.journal(), [].into()));
    for post in 0..posts {
        let answer = ada.post(&body(&id(0, 0, post), 300));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    server.kill();

    let journal = Journal::read(&disk.journal(), [].into());
    let mut log = None;
    // What was written to the log since it was last synced, and whether anything was since the last answer.
    let (mut unsynced, mut written) = (0, false);
    let mut answered = 0;
    let mut proven = 0;
    for record in &journal.records {
        match record.event {
            Event::Created | Event::Opened if journal.data(record).ends_with(b"-wal") => {
                log = Some(record.file);
            }
            Event::Written if Some(record.file) == log => {
                unsynced += 1;
                written = true;
            }
            Event::Synced if Some(record.file) == log => unsynced = 0,
            Event::Answered => {
                answered += 1;
                if answered > before {
                    assert_eq!(journal.data(record), b"HTTP/1.1 200");
                    assert_eq!(
                        unsynced, 0,
                        "post {proven} was answered before it was synced"
                    );
                    assert!(written, "post {proven} was answered without being written");
                    proven += 1;
                }
                written = false;
            }
            _ => {}
        }
    }
    assert_eq!(proven, posts);
    report(
        "G3",
        &format!("{proven} posts, each synced before its answer"),
    );
}
