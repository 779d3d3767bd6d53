//! Making what a sample's context gets, and no repository should hold.

use crate::archive::Packing;
use crate::error::{Context as _, Error, Result};
use crate::files;
use crate::sample::build::Make;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Makes a piece of a context.
///
/// # Errors
/// When it can't be written, or what it is made of can't be read; also when a link leads to either, who knows where.
pub fn make(context: &Path, piece: &Make) -> Result<()> {
    match piece {
        Make::Sparse { file, size } => {
            let path = own(context, file)?;
            let what = || format!("make `{}`", path.display());
            fs::create_dir_all(files::folder_of(&path)).trying(what)?;
            // Where the file system has no holes, it takes its place, but nothing is written.
            File::create(&path).and_then(|file| file.set_len(*size)).trying(what)
        }
        Make::Many { folder, count } => {
            let made = own(context, folder)?;
            let what = || format!("fill `{}`", made.display());
            fs::create_dir_all(&made).trying(what)?;
            (0..*count).try_for_each(|number| {
                fs::write(own(context, &format!("{folder}/{number}.txt"))?, format!("{number}\n")).trying(what)
            })
        }
        Make::Archive { archive, of } => {
            let (folder, path) = (own(context, of)?, own(context, archive)?);
            let mut packed = Vec::new();
            gather(&folder, "", &mut packed)?;
            // The same archive each time: what is unpacked from it then comes from the cache.
            files::write_whole(&path, &Packing::TarGz.pack(&packed, SystemTime::UNIX_EPOCH)?)?;
            files::delete(&folder)
        }
    }
}

/// A path in the context that is the context's own.
///
/// # Errors
/// When there is a link on the way.
pub fn own(context: &Path, inside: &str) -> Result<PathBuf> {
    match files::link_on_the_way(context, inside) {
        None => Ok(context.join(inside)),
        Some(link) => Err(refused(&link)),
    }
}

fn refused(link: &Path) -> Error {
    Error::usage(format!("`{}` is a link, and may lead out of the sample", link.display()))
        .hint("put a file or a folder there, or name another one in its sample.toml")
}

/// Every file of a folder, with its path in there.
fn gather(folder: &Path, inside: &str, into: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    let what = || format!("read `{}`", folder.display());
    let mut entries: Vec<_> = fs::read_dir(folder).trying(what)?.collect::<Result<_, _>>().trying(what)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let inside = format!("{inside}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().trying(what)?;
        if kind.is_symlink() {
            return Err(refused(&entry.path()));
        }
        if kind.is_dir() {
            gather(&entry.path(), &format!("{inside}/"), into)?;
        } else {
            into.push((inside, fs::read(entry.path()).trying(what)?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;
    use crate::os;
    use std::io::Read;

    #[test]
    fn what_a_toml_asks_for_is_made_where_it_says() {
        let context = tempfile::tempdir().unwrap();
        let path = |inside: &str| context.path().join(inside);
        make(context.path(), &Make::Sparse { file: "a/b/large.bin".into(), size: 9 }).unwrap();
        assert_eq!(fs::read(path("a/b/large.bin")).unwrap(), [0; 9]);
        make(context.path(), &Make::Many { folder: "a/many".into(), count: 2 }).unwrap();
        assert_eq!(fs::read_to_string(path("a/many/1.txt")).unwrap(), "1\n");
        // What is no text is packed as it is.
        fs::write(path("a/many/2.bin"), [0xff, 0xfe, 0]).unwrap();
        make(context.path(), &Make::Archive { archive: "c/d.tar.gz".into(), of: "a".into() }).unwrap();
        assert!(!path("a").exists());
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(path("c/d.tar.gz")).unwrap()));
        let entries = archive.entries().unwrap().map(|entry| {
            let (mut entry, mut content) = (entry.unwrap(), Vec::new());
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().to_string_lossy().into_owned(), content)
        });
        let expected: [(&str, &[u8]); 4] = [
            ("b/large.bin", &[0; 9]),
            ("many/0.txt", b"0\n"),
            ("many/1.txt", b"1\n"),
            ("many/2.bin", &[0xff, 0xfe, 0]),
        ];
        assert_eq!(entries.collect::<Vec<_>>(), expected.map(|(name, content)| (name.into(), content.to_vec())));
    }

    #[test]
    fn nothing_is_made_of_what_a_link_leads_to() {
        let (context, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(elsewhere.path().join("sub")).unwrap();
        let theirs = elsewhere.path().join("sub").join("0.txt");
        fs::write(&theirs, "theirs").unwrap();
        let folder = context.path().join("folder");
        fs::create_dir_all(folder.join("inner")).unwrap();
        // As a copied sample has it: on Windows, none has a link.
        if os::symlink(elsewhere.path(), &context.path().join("link")).is_err() {
            return;
        }
        os::symlink(&theirs, &folder.join("0.txt")).unwrap();
        os::symlink(Path::new(".."), &folder.join("inner").join("loop")).unwrap();
        let sparse = |file: &str| Make::Sparse { file: file.into(), size: 1 };
        let many = |folder: &str| Make::Many { folder: folder.into(), count: 1 };
        let archive = |archive: &str, of: &str| Make::Archive { archive: archive.into(), of: of.into() };
        for piece in [
            sparse("link/sub/0.txt"),
            sparse("folder/0.txt"),
            many("link/sub"),
            many("folder"),
            archive("a.tar.gz", "link/sub"),
            archive("link/a.tar.gz", "folder"),
            archive("a.tar.gz", "folder/inner"),
        ] {
            let refused = make(context.path(), &piece).unwrap_err();
            assert!(refused.to_string().contains("is a link"), "{piece:?}: {refused}");
            assert_eq!(refused.class(), Class::Usage, "{piece:?}");
        }
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
    }
}
