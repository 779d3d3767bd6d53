//! Making what a sample's context gets, and no repository should hold.

use crate::archive::Packing;
use crate::error::{Context as _, Result};
use crate::files;
use crate::sample::build::Make;
use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

/// Makes a piece of a context.
///
/// # Errors
/// When it can't be written, or what it is made of can't be read.
pub fn make(context: &Path, piece: &Make) -> Result<()> {
    match piece {
        Make::Sparse { file, size } => {
            let path = context.join(file);
            let what = || format!("make `{}`", path.display());
            // Where the file system has no holes, it takes its place, but nothing is written.
            File::create(&path).and_then(|file| file.set_len(*size)).trying(what)
        }
        Make::Many { folder, count } => {
            let folder = context.join(folder);
            let what = || format!("fill `{}`", folder.display());
            fs::create_dir_all(&folder).trying(what)?;
            (0..*count).try_for_each(|number| {
                fs::write(folder.join(format!("{number}.txt")), format!("{number}\n")).trying(what)
            })
        }
        Make::Archive { archive, of } => {
            let folder = context.join(of);
            let mut packed = Vec::new();
            gather(&folder, "", &mut packed)?;
            // The same archive each time: what is unpacked from it then comes from the cache.
            files::write_whole(&context.join(archive), &Packing::TarGz.pack(&packed, SystemTime::UNIX_EPOCH)?)?;
            files::delete(&folder)
        }
    }
}

/// Every file of a folder, with its path in there.
fn gather(folder: &Path, inside: &str, into: &mut Vec<(String, String)>) -> Result<()> {
    let what = || format!("read `{}`", folder.display());
    let mut entries: Vec<_> = fs::read_dir(folder).trying(what)?.collect::<Result<_, _>>().trying(what)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let inside = format!("{inside}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            gather(&entry.path(), &format!("{inside}/"), into)?;
        } else {
            into.push((inside, fs::read_to_string(entry.path()).trying(what)?));
        }
    }
    Ok(())
}
