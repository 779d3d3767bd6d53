//! Whole fetches from a scripted server, through good and bad nights.

use super::*;
use crate::archive::BLOCK;
use crate::files::sha256_of;
use crate::http::testing::{Play, answer, at_once, impatient, serve, text};
use flate2::{Compression, write::GzEncoder};
use std::sync::Mutex;

/// A program that compresses badly enough to fill several blocks.
fn program() -> Vec<u8> {
    let mut seed = 1u32;
    let step = |_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    (0..3 * BLOCK / 2).map(step).collect()
}

fn archive() -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let (program, mut header) = (program(), tar::Header::new_ustar());
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    builder.append_data(&mut header, "bin/ctr", program.as_slice()).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

/// A cache and a staging folder, and what was told meanwhile.
struct Bench {
    folder: tempfile::TempDir,
    cache: Cache,
    notes: Mutex<Vec<String>>,
    http: Http,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("cache"));
        std::fs::create_dir(folder.path().join("staging")).unwrap();
        Self { folder, cache, notes: Mutex::default(), http: Http::new(false, at_once()) }
    }

    fn staging(&self) -> PathBuf {
        self.folder.path().join("staging")
    }

    fn fetch(&self, asset: &Asset) -> Result<Fetched> {
        wipe(&self.staging()).unwrap();
        fetch(&self.http, asset, &self.cache, &self.staging(), &|progress| {
            if let Progress::Note(note) = progress {
                self.notes.lock().unwrap().push(note);
            }
        })
    }

    fn unpacked(&self) -> bool {
        std::fs::read(self.staging().join("bin/ctr")).is_ok_and(|bytes| bytes == program())
    }

    /// The bytes of everything in the cache, but for what is noted about interrupted downloads.
    fn kept_bytes(&self) -> u64 {
        let facts =
            std::fs::read_dir(self.cache.partial_folder()).into_iter().flatten().flatten().map(|entry| entry.path());
        let facts = facts.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        crate::files::disk_use(self.cache.partial_folder().parent().unwrap())
            - facts.map(|path| crate::files::disk_use(&path)).sum::<u64>()
    }

    fn is_clean(&self) -> bool {
        let count = |folder: PathBuf| std::fs::read_dir(folder).map_or(0, Iterator::count);
        count(self.staging()) == 0 && count(self.cache.partial_folder()) == 0
    }
}

fn asset(url: &str, bytes: &[u8]) -> Asset {
    Asset {
        file_name: "ctr.tar.gz".into(),
        origin: Origin::Url(format!("{url}/ctr.tar.gz")),
        form: Form::TarGz,
        size: Some(bytes.len() as u64),
        sha256: Some(sha256_of(bytes)),
    }
}

/// The answer to a request that continues at `offset`.
fn rest(archive: &[u8], offset: usize, sent: usize) -> Play {
    let range = format!("ETag: \"v\"\r\nContent-Range: bytes {offset}-{}/{}\r\n", archive.len() - 1, archive.len());
    Play::Send(answer("206 Partial Content", &range, &archive[offset..], sent))
}

fn whole(archive: &[u8], sent: usize) -> Play {
    Play::Send(answer("200 OK", "ETag: \"v\"\r\n", archive, sent))
}

#[test]
fn an_archive_is_unpacked_and_then_comes_from_the_cache() {
    let (bench, archive) = (Bench::new(), archive());
    let (url, _heads) = serve(vec![whole(&archive, archive.len())]);
    let asset = asset(&url, &archive);
    let fetched = bench.fetch(&asset).unwrap();
    assert!(fetched.verified && !fetched.from_cache && bench.unpacked());
    assert!(bench.cache.find(&fetched.sha256).is_some_and(|path| path.ends_with("ctr.tar.gz")));
    assert!(bench.fetch(&asset).unwrap().from_cache && bench.unpacked());
    assert_eq!(bench.http.calls(), 1);
}

#[test]
fn a_broken_connection_is_continued_in_the_same_run() {
    let (mut bench, archive) = (Bench::new(), archive());
    bench.http = Http::new(false, impatient());
    let (url, heads) = serve(vec![
        whole(&archive, 1000),
        text("503 Service Unavailable", "", ""),
        rest(&archive, 1000, 300_000 - 1000),
        Play::Stall(answer(
            "206 Partial Content",
            &format!("Content-Range: bytes 300000-{}/{}\r\n", archive.len() - 1, archive.len()),
            &archive[300_000..],
            7,
        )),
        rest(&archive, 300_007, archive.len() - 300_007),
    ]);
    assert!(bench.fetch(&asset(&url, &archive)).unwrap().verified && bench.unpacked());
    let heads: Vec<String> = heads.try_iter().collect();
    assert!(heads[2].contains("range: bytes=1000-\r\n") && heads[2].contains("if-range: \"v\"\r\n"), "{}", heads[2]);
    assert!(bench.notes.lock().unwrap().is_empty());
}

#[test]
fn the_next_run_continues_an_interrupted_download() {
    let (bench, archive) = (Bench::new(), archive());
    let cut = BLOCK + 10;
    let mut script = vec![whole(&archive, cut)];
    script.extend((0..2).map(|_| rest(&archive, cut, 0)));
    script.push(rest(&archive, cut, archive.len() - cut));
    let (url, heads) = serve(script);
    let asset = asset(&url, &archive);
    let error = bench.fetch(&asset).unwrap_err();
    assert!(error.to_string().starts_with("failed to download `ctr.tar.gz`: the connection to "), "{error}");
    assert_eq!(bench.kept_bytes() / 1000, cut as u64 / 1000);
    assert!(bench.fetch(&asset).unwrap().verified && bench.unpacked());
    assert!(heads.try_iter().last().unwrap().contains(&format!("range: bytes={cut}-\r\n")));
}

#[test]
fn a_file_that_changed_meanwhile_starts_over() {
    let (bench, archive) = (Bench::new(), archive());
    let (url, _heads) = serve(vec![whole(&vec![7; archive.len()], 5000), whole(&archive, archive.len())]);
    let mut asset = asset(&url, &archive);
    assert!(bench.fetch(&asset).unwrap().verified && bench.unpacked());
    assert_eq!(bench.notes.lock().unwrap().len(), 1);

    // And with nothing to verify it by, and no validator: there is no asking for the rest.
    asset.sha256 = None;
    let bare = |sent| Play::Send(answer("200 OK", "", &archive, sent));
    let (url, heads) = serve(vec![bare(5000), bare(archive.len())]);
    asset.origin = Origin::Url(url);
    let fetched = bench.fetch(&asset).unwrap();
    assert!(!fetched.verified && bench.unpacked() && bench.cache.find(&fetched.sha256).is_some());
    assert!(heads.try_iter().all(|head| !head.contains("range")));
}

#[test]
fn a_server_that_always_breaks_off_is_given_up() {
    let (bench, archive) = (Bench::new(), archive());
    let (url, _heads) = serve((0..9).map(|_| whole(&archive, 5000)).collect());
    assert!(bench.fetch(&asset(&url, &archive)).is_err());
    assert!(bench.http.calls() <= 5);
}

#[test]
fn a_wrong_digest_names_file_expected_and_found_and_leaves_nothing() {
    let good = archive();
    // A wrong one that unpacks, and one that doesn't: the digest is what is told either way.
    for wrong in [b"<html>no</html>".repeat(30_000), { good.iter().copied().chain([0]).collect() }] {
        let bench = Bench::new();
        let (url, _heads) = serve(vec![whole(&wrong, wrong.len())]);
        let error = bench.fetch(&asset(&url, &good)).unwrap_err();
        let (expected, found) = (sha256_of(&good), sha256_of(&wrong));
        let lengths = format!("({} bytes instead of {})", wrong.len(), good.len());
        let ends = format!("has the wrong SHA-256: expected {expected}, found {found} {lengths}");
        assert!(error.to_string().starts_with("`ctr.tar.gz` from ") && error.to_string().ends_with(&ends), "{error}");
        assert!(error.hint_text().is_some() && bench.is_clean() && bench.kept_bytes() == 0);
    }
}

#[test]
fn a_broken_archive_with_the_right_digest_is_the_archives_fault() {
    let (bench, archive) = (Bench::new(), archive());
    let short = &archive[..archive.len() / 2];
    let (url, _heads) = serve(vec![whole(short, short.len())]);
    let error = bench.fetch(&asset(&url, short)).unwrap_err();
    assert_eq!(error.to_string(), "failed to unpack `ctr.tar.gz`: the archive is cut short");
    assert!(bench.is_clean() && bench.kept_bytes() == 0);
}

#[test]
fn a_wrong_length_is_told_where_there_is_no_digest() {
    let (bench, archive) = (Bench::new(), archive());
    let (url, _heads) = serve(vec![whole(&archive, archive.len())]);
    let asset = Asset { size: Some(12), sha256: None, ..asset(&url, &archive) };
    let error = bench.fetch(&asset).unwrap_err().to_string();
    assert!(error.ends_with(&format!("has the wrong length: {} bytes instead of 12", archive.len())), "{error}");
    assert!(bench.is_clean());
}

#[test]
fn damage_in_the_cache_heals() {
    let (bench, archive) = (Bench::new(), archive());
    let (url, _heads) = serve(vec![whole(&archive, archive.len()), whole(&archive, archive.len())]);
    let asset = asset(&url, &archive);
    let fetched = bench.fetch(&asset).unwrap();
    std::fs::write(bench.cache.find(&fetched.sha256).unwrap(), &archive[..9000]).unwrap();
    assert!(!bench.fetch(&asset).unwrap().from_cache && bench.unpacked());
    assert!(bench.notes.lock().unwrap()[0].contains("was damaged"));
    assert!(bench.fetch(&asset).unwrap().from_cache);
}

#[test]
fn damage_in_a_begun_download_heals() {
    let (bench, archive) = (Bench::new(), archive());
    let (url, _heads) = serve(vec![rest(&archive, 9000, archive.len() - 9000), whole(&archive, archive.len())]);
    let asset = asset(&url, &archive);
    let Origin::Url(url) = &asset.origin else { unreachable!() };
    let mut partial = Partial::open(&bench.cache, url, &asset).unwrap().unwrap();
    partial.begin(Some("\"v\"".into())).unwrap();
    partial.write(&[0; 9000]).unwrap();
    drop(partial);
    assert!(bench.fetch(&asset).unwrap().verified && bench.unpacked());
    assert!(bench.notes.lock().unwrap()[0].contains("was damaged"));
}

#[test]
fn a_run_killed_before_the_rename_left_nothing_to_download() {
    let (bench, archive) = (Bench::new(), archive());
    let asset = asset("http://127.0.0.1:9", &archive);
    let Origin::Url(url) = &asset.origin else { unreachable!() };
    let mut partial = Partial::open(&bench.cache, url, &asset).unwrap().unwrap();
    partial.begin(None).unwrap();
    partial.write(&archive).unwrap();
    drop(partial);
    assert!(bench.fetch(&asset).unwrap().verified && bench.unpacked());
    assert_eq!(bench.http.calls(), 0);
}

#[test]
fn a_local_archive_is_read_in_place_and_still_checked() {
    let (bench, archive) = (Bench::new(), archive());
    let path = bench.folder.path().join("mirror.tar.gz");
    std::fs::write(&path, &archive).unwrap();
    let mut asset = Asset { origin: Origin::File(path.clone()), ..asset("", &archive) };
    assert!(bench.fetch(&asset).unwrap().verified && bench.unpacked());
    assert!(bench.kept_bytes() == 0 && path.exists());
    asset.sha256 = Some("0".repeat(64));
    assert!(bench.fetch(&asset).is_err() && bench.is_clean());
    asset.origin = Origin::File(bench.folder.path().join("missing"));
    assert!(bench.fetch(&asset).unwrap_err().to_string().starts_with("failed to read `"));
}

#[test]
fn a_bare_program_is_placed() {
    let bench = Bench::new();
    let (url, _heads) = serve(vec![whole(b"elf", 3)]);
    let form = Form::Program { name: "runc".into() };
    assert!(bench.fetch(&Asset { form, ..asset(&url, b"elf") }).unwrap().verified);
    assert_eq!(std::fs::read(bench.staging().join("bin/runc")).unwrap(), b"elf");
}

#[test]
fn two_downloads_of_one_file_at_once_both_work() {
    let (bench, archive) = (Bench::new(), archive());
    let (url, _heads) = serve(vec![whole(&archive, archive.len())]);
    let asset = asset(&url, &archive);
    let Origin::Url(url) = &asset.origin else { unreachable!() };
    let other = Partial::open(&bench.cache, url, &asset).unwrap();
    assert!(bench.fetch(&asset).unwrap().verified && bench.unpacked());
    assert!(bench.notes.lock().unwrap()[0].contains("another process"));
    drop(other);
}

#[test]
fn a_name_that_is_a_path_is_refused() {
    let bench = Bench::new();
    for name in ["../x", "a/b", "a\\b", "", ".."] {
        assert!(bench.fetch(&Asset { file_name: name.into(), ..asset("http://127.0.0.1:9", b"") }).is_err());
    }
    assert_eq!(bench.http.calls(), 0);
}
