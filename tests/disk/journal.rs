//! What a disk may hold after a power cut, by the journal of what it was asked to do.
//!
//! The model: what was written before a sync of its file returned is there. Of what was written since, any part may
//! be, in sectors of 512 bytes. A name that was made or removed is as it was before, or as after, in the order in
//! which that happened in its folder, until the folder was synced. What could not be synced is either there or never
//! will be, whatever is synced later, unless it is written again.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

const SECTOR: usize = 512;

/// Numbers that look random, the same for the same seed.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn of(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below this one.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn coin(&mut self) -> bool {
        self.next() >> 63 == 1
    }
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A file that was there, or a folder, was opened.
    Opened,
    Created,
    Written,
    Synced,
    NotSynced,
    Truncated,
    Unlinked,
    /// A folder was made.
    Made,
    /// An answer was about to be sent.
    Answered,
}

#[derive(Debug)]
pub(super) struct Record {
    pub(super) event: Event,
    /// The number of the inode.
    pub(super) file: u64,
    at: usize,
    /// Where in the journal the data or the name stands.
    data: Range<usize>,
}

/// A journal, and what was on the disk before it begins.
pub(super) struct Journal {
    bytes: Vec<u8>,
    pub(super) records: Vec<Record>,
    before: BTreeMap<String, Vec<u8>>,
}

impl Journal {
    /// Of a disk that held these files, each named by its path below the folder; their folders are lasting.
    pub(super) fn read(path: &Path, before: BTreeMap<String, Vec<u8>>) -> Self {
        let bytes = fs::read(path).unwrap();
        let mut records = Vec::new();
        let mut at = 0;
        while at + 32 <= bytes.len() {
            let field = |index: usize| {
                let field = &bytes[at + 8 * index..][..8];
                u64::from_ne_bytes(field.try_into().unwrap())
            };
            let begin = at + 32;
            let end = begin + usize::try_from(field(3)).unwrap();
            if end > bytes.len() {
                // The process was killed meanwhile.
                break;
            }
            let event = match u8::try_from(field(0)).unwrap() {
                b'O' => Event::Opened,
                b'C' => Event::Created,
                b'W' => Event::Written,
                b'S' => Event::Synced,
                b'F' => Event::NotSynced,
                b'T' => Event::Truncated,
                b'U' => Event::Unlinked,
                b'M' => Event::Made,
                b'A' => Event::Answered,
                other => panic!("a record of kind {other}"),
            };
            records.push(Record {
                event,
                file: field(1),
                at: usize::try_from(field(2)).unwrap(),
                data: begin..end,
            });
            at = end;
        }
        Self {
            bytes,
            records,
            before,
        }
    }

    /// What was written, or a name.
    pub(super) fn data(&self, record: &Record) -> &[u8] {
        &self.bytes[record.data.clone()]
    }

    fn name(&self, record: &Record) -> String {
        String::from_utf8(self.data(record).to_vec()).unwrap()
    }

    /// A moment: how many of the records there are by then; often one where something becomes lasting.
    pub(super) fn some_moment(&self, random: &mut Random) -> usize {
        let mut moment = random.below(self.records.len() + 1);
        if random.coin() {
            let turns = |record: &Record| !matches!(record.event, Event::Written | Event::Opened);
            let rest = self.records[moment..].iter().position(turns);
            moment += rest.unwrap_or(0) + random.below(2);
        }
        moment.min(self.records.len())
    }

    /// Where in the journal this moment is, in bytes.
    pub(super) fn length_at(&self, moment: usize) -> u64 {
        let end = self.records[..moment]
            .last()
            .map_or(0, |last| last.data.end);
        u64::try_from(end).unwrap()
    }

    /// Writes into an empty folder what the disk may hold after a power cut at this moment. The syncs of a disk that
    /// is not honest do nothing.
    pub(super) fn cut(&self, moment: usize, random: &mut Random, is_honest: bool, into: &Path) {
        let mut disk = Disk::holding(&self.before);
        for record in &self.records[..moment] {
            disk.replay(self, record, random, is_honest);
        }
        disk.lose_power(self, random);
        disk.write_out(into);
    }
}

/// A change of a file that is not lasting yet.
enum Change {
    Write { at: usize, data: Range<usize> },
    Truncate(usize),
}

#[derive(Default)]
struct Content {
    lasting: Vec<u8>,
    changes: Vec<Change>,
}

#[derive(Clone, Copy)]
enum Node {
    Folder,
    /// By its place among all files there ever were.
    File(usize),
}

/// Names by their paths below the folder: those that are lasting, and what has changed since.
#[derive(Default)]
struct Disk {
    contents: Vec<Content>,
    /// By inode: which file it is now.
    files: BTreeMap<u64, usize>,
    /// By inode: the path of a folder.
    folders: BTreeMap<u64, String>,
    names: BTreeMap<String, Node>,
    lasting_names: BTreeMap<String, Node>,
    /// In each folder: a path, and what it names then.
    renamed: BTreeMap<String, Vec<(String, Option<Node>)>>,
}

fn folder_of(path: &str) -> String {
    path.rsplit_once('/')
        .map_or(String::new(), |(folder, _)| folder.to_owned())
}

impl Disk {
    fn holding(before: &BTreeMap<String, Vec<u8>>) -> Self {
        let mut disk = Self::default();
        for (path, lasting) in before {
            let mut folder = folder_of(path);
            while !folder.is_empty() {
                disk.lasting_names.insert(folder.clone(), Node::Folder);
                folder = folder_of(&folder);
            }
            let node = Node::File(disk.contents.len());
            disk.lasting_names.insert(path.clone(), node);
            disk.contents.push(Content {
                lasting: lasting.clone(),
                changes: Vec::new(),
            });
        }
        disk.names = disk.lasting_names.clone();
        disk
    }

    fn replay(&mut self, journal: &Journal, record: &Record, random: &mut Random, honest: bool) {
        let inode = record.file;
        match record.event {
            Event::Opened => {
                let path = journal.name(record);
                match self.names.get(&path) {
                    Some(Node::File(file)) => _ = self.files.insert(inode, *file),
                    Some(Node::Folder) => _ = self.folders.insert(inode, path),
                    None if path.is_empty() => _ = self.folders.insert(inode, path),
                    None => panic!("{path} was opened and never made"),
                }
            }
            Event::Created => {
                let file = self.contents.len();
                self.contents.push(Content::default());
                self.files.insert(inode, file);
                self.rename(journal.name(record), Some(Node::File(file)));
            }
            Event::Made => self.rename(journal.name(record), Some(Node::Folder)),
            Event::Unlinked => self.rename(journal.name(record), None),
            Event::Written => self.change(
                inode,
                Change::Write {
                    at: record.at,
                    data: record.data.clone(),
                },
            ),
            Event::Truncated => self.change(inode, Change::Truncate(record.at)),
            Event::Synced if !honest => {}
            Event::Synced => {
                if let Some(path) = self.folders.get(&inode) {
                    for (path, node) in self.renamed.remove(path).unwrap_or_default() {
                        name(&mut self.lasting_names, path, node);
                    }
                } else {
                    let content = &mut self.contents[self.files[&inode]];
                    for change in std::mem::take(&mut content.changes) {
                        content.apply(journal, &change, |_| true);
                    }
                }
            }
            Event::NotSynced => {
                if let Some(file) = self.files.get(&inode) {
                    self.contents[*file].lose_power(journal, random);
                }
            }
            Event::Answered => {}
        }
    }

    fn rename(&mut self, path: String, node: Option<Node>) {
        name(&mut self.names, path.clone(), node);
        let changes = self.renamed.entry(folder_of(&path)).or_default();
        changes.push((path, node));
    }

    fn change(&mut self, inode: u64, change: Change) {
        self.contents[self.files[&inode]].changes.push(change);
    }

    fn lose_power(&mut self, journal: &Journal, random: &mut Random) {
        for changes in std::mem::take(&mut self.renamed).into_values() {
            let kept = random.below(changes.len() + 1);
            for (path, node) in changes.into_iter().take(kept) {
                name(&mut self.lasting_names, path, node);
            }
        }
        for content in &mut self.contents {
            content.lose_power(journal, random);
        }
    }

    fn write_out(&self, into: &Path) {
        // A folder comes before what is in it.
        for (path, node) in &self.lasting_names {
            let is_there = into.join(folder_of(path)).exists();
            match node {
                _ if !is_there || path.ends_with("-shm") => {}
                Node::Folder => fs::create_dir(into.join(path)).unwrap(),
                Node::File(file) => {
                    fs::write(into.join(path), &self.contents[*file].lasting).unwrap();
                }
            }
        }
    }
}

fn name(names: &mut BTreeMap<String, Node>, path: String, node: Option<Node>) {
    match node {
        Some(node) => _ = names.insert(path, node),
        None => _ = names.remove(&path),
    }
}

impl Content {
    /// Does to the lasting bytes what a change does to the sectors that are kept of it.
    fn apply(&mut self, journal: &Journal, change: &Change, mut keeps: impl FnMut(usize) -> bool) {
        match change {
            Change::Truncate(size) => {
                if keeps(0) {
                    self.lasting.resize(*size, 0);
                }
            }
            Change::Write { at, data } => {
                let mut begin = data.start;
                while begin < data.end {
                    let to = at + (begin - data.start);
                    let length = (SECTOR - to % SECTOR).min(data.end - begin);
                    if keeps(to / SECTOR) {
                        if self.lasting.len() < to + length {
                            self.lasting.resize(to + length, 0);
                        }
                        let bytes = &journal.bytes[begin..begin + length];
                        self.lasting[to..to + length].copy_from_slice(bytes);
                    }
                    begin += length;
                }
            }
        }
    }

    /// Of what is not lasting some becomes so, and the rest is gone.
    fn lose_power(&mut self, journal: &Journal, random: &mut Random) {
        let changes = std::mem::take(&mut self.changes);
        let how = random.below(5);
        let whole = match how {
            // All of it.
            0 => changes.len(),
            // What was written first, and of the next write some sectors.
            1 | 2 => random.below(changes.len() + 1),
            // None, or any.
            _ => 0,
        };
        for change in &changes[..whole] {
            self.apply(journal, change, |_| true);
        }
        if let Some(torn) = changes.get(whole)
            && matches!(how, 1 | 2)
        {
            self.apply(journal, torn, |_| random.coin());
        }
        if how == 3 {
            for change in &changes {
                self.apply(journal, change, |_| random.coin());
            }
        }
    }
}
