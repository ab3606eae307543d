//! `convosync export`

use std::fmt;
#[cfg(unix)]
use std::fs::Permissions;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write};
#[cfg(unix)]
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use convosync_application::export_store::{ExportError, ExportProgress, ExportStore};
use convosync_http_actix::archive::{self, Line};
use indicatif::{ProgressBar, ProgressStyle};

use crate::backend::{Backend, Store, require_store};
use crate::failure::Failure;
use crate::output::say;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The file to write, which must not be there yet; stdout without it
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Go on where an export to this file broke off
    #[arg(long, requires = "output")]
    resume: bool,
}

/// Writes everything in the store to an archive.
pub(super) async fn run(arguments: Arguments, backend: &dyn Backend) -> Result<(), Failure> {
    require_store(backend)?;
    let Some(path) = arguments.output else {
        return export(backend, Begun::default(), &mut io::stdout().lock()).await;
    };
    let begun = match arguments.resume {
        true => Begun::read(&path)?,
        false => Begun::default(),
    };
    let file = open(&path, arguments.resume, begun.length);
    let file =
        file.map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))?;
    let mut writer = BufWriter::new(file);
    export(backend, begun, &mut writer).await?;
    let synced = writer.get_ref().sync_all();
    synced.map_err(|error| unwritten(&error))
}

/// What there is already of an export.
#[derive(Default)]
struct Begun {
    /// Where its last whole line ends, in bytes.
    length: u64,
    /// As its first line tells, if that is there.
    digest_seed: Option<u64>,
    progress: ExportProgress,
}

impl Begun {
    /// What a file holds of an export that broke off.
    fn read(path: &Path) -> Result<Self, Failure> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(cannot_go_on(path, &error)),
        };
        let mut file = BufReader::new(file);
        let mut begun = Self::default();
        let mut number = 0_u64;
        loop {
            let mut line = Vec::new();
            let bytes_max = match number {
                0 => archive::HEADER_BYTES_MAX,
                _ => u64::MAX,
            };
            let read = file.by_ref().take(bytes_max).read_until(b'\n', &mut line);
            let read = read.map_err(|error| cannot_go_on(path, &error))?;
            if line.is_empty() || (number > 0 && !line.ends_with(b"\n")) {
                return Ok(begun);
            }
            line.pop();
            number += 1;
            begun.length += u64::try_from(read).unwrap_or(u64::MAX);
            if number == 1 {
                let header = archive::read_header(&line);
                let header = header.map_err(|error| cannot_go_on(path, &error))?;
                if !header.is_current() {
                    let problem = "an earlier version of this program has begun it";
                    return Err(cannot_go_on(path, &problem));
                }
                begun.digest_seed = Some(header.digest_seed);
                continue;
            }
            match archive::read_line(line) {
                Ok(Line::Archived(line)) => begun.progress.add(&line),
                Ok(Line::End(_)) => return Err(cannot_go_on(path, &"it is whole")),
                Err(error) => {
                    let problem = format!("line {number}: {error}");
                    return Err(cannot_go_on(path, &problem));
                }
            }
        }
    }
}

fn cannot_go_on(path: &Path, problem: &dyn fmt::Display) -> Failure {
    Failure::failed(format!("cannot go on with {}: {problem}", path.display()))
}

/// Opens a file that is not there yet, or may be, to write on from a length; it is for its owner
/// alone.
pub(super) fn open(path: &Path, may_be_there: bool, length: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    match may_be_there {
        true => options.create(true),
        false => options.create_new(true),
    };
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.set_len(length)?;
    file.seek(SeekFrom::End(0))?;
    Ok(file)
}

async fn export(backend: &dyn Backend, begun: Begun, out: &mut dyn Write) -> Result<(), Failure> {
    let store = backend.open()?;
    let done = write_lines(&store, begun, out).await;
    store.close();
    done
}

async fn write_lines(
    store: &Arc<dyn Store>,
    begun: Begun,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let digest_seed = store.identity().digest_seed;
    match begun.digest_seed {
        Some(seed) if seed != digest_seed => {
            return Err(Failure::failed("the file was begun from another store"));
        }
        Some(_) => {}
        None => {
            let header = archive::write_header(digest_seed);
            out.write_all(&header).map_err(|error| unwritten(&error))?;
        }
    }
    let export = ExportStore::new(store.clone());
    let visitors = export.count_visitors().await;
    let visitors = visitors.map_err(|error| Failure::caused_by(&error))?;
    let bar = ProgressBar::new(visitors).with_style(style("{wide_bar} {pos}/{len} visitors"));
    let mut progress = begun.progress.clone();
    let done = export.run(begun.progress, |line| {
        progress.add(line);
        bar.set_position(progress.counts().visitors);
        out.write_all(&archive::write_line(line))
    });
    let counts = done.await.map_err(|error| match error {
        ExportError::Line(error) => unwritten(&error),
        error => Failure::caused_by(&error),
    })?;
    out.write_all(&archive::write_end(counts))
        .and_then(|()| out.flush())
        .map_err(|error| unwritten(&error))?;
    bar.finish_and_clear();
    say(&format!("exported {} visitors", counts.visitors));
    Ok(())
}

/// How a progress bar looks; a template that is none leaves it plain.
pub(super) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::failed(format!("cannot write the archive: {error}"))
}
