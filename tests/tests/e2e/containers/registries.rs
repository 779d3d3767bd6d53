//! Registries that fail in their own ways: servers on loopback with one answer each.

use super::explained::fails;
use crate::machine;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use tests::started::Started;

/// A registry that has one answer to all questions. It ends with the test's process.
fn registry(status: &str, kind: &'static str, body: String) -> String {
    let status = status.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            // The body belongs to no HEAD, and whoever asked that doesn't read it.
            let _ = (&stream).write_all((head + &body).as_bytes());
        }
    });
    address
}

#[test]
fn a_base_image_for_another_platform() {
    let context = machine();
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = format!(
        r#"{{"schemaVersion": 2, "mediaType": "{kind}", "manifests": [{{"mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": "sha256:{:0>64}", "size": 1, "platform": {{"architecture": "amd64", "os": "windows", "os.version": "10.0.17763.1"}}}}]}}"#,
        1
    );
    let address = registry("200 OK", kind, index);
    let failed = fails(&context, &format!("FROM {address}/x:1\n"), 3, "base-image-platform");
    assert!(failed.stderr.contains("no match for platform in manifest"), "{failed}");
}

#[test]
fn a_registry_that_has_had_enough() {
    let context = machine();
    let body = r#"{"errors": [{"code": "TOOMANYREQUESTS", "message": "You have reached your pull rate limit."}]}"#;
    let address = registry("429 Too Many Requests", "application/json", body.into());
    fails(&context, &format!("FROM {address}/x:1\n"), 3, "registry-rate-limit");
}

#[test]
fn a_registry_that_lets_nobody_in() {
    let context = machine();
    let address = registry("401 Unauthorized", "application/json", "{}".into());
    fails(&context, &format!("FROM {address}/x:1\n"), 3, "registry-denied");
}

#[test]
fn a_registry_that_is_out_of_order() {
    let context = machine();
    let address = registry("503 Service Unavailable", "text/plain", String::new());
    fails(&context, &format!("FROM {address}/x:1\n"), 3, "registry-unreachable");
}

/// BuildKit asks a loopback address without TLS, but for the token that this registry wants it to have.
#[test]
fn a_registry_whose_certificate_nobody_knows() {
    let context = machine();
    let openssl = |arguments: &[&str]| {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(context.root()).stdin(Stdio::null()).stderr(Stdio::null());
        command
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    let names = ["-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"];
    assert!(openssl(&[&["req", "-x509"], &key[..], &names].concat()).status().unwrap().success());
    let serve = ["s_server", "-accept", "127.0.0.1:0", "-cert", "cert.pem", "-key", "key.pem", "-www"];
    let mut server = openssl(&serve).stdout(Stdio::piped()).spawn().unwrap();
    let stdout = server.stdout.take().unwrap();
    let _server = Started::new(server);
    let lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let address = lines.filter_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned)).next().unwrap();
    let realm = format!(r#"401 Unauthorized\r\nWWW-Authenticate: Bearer realm="https://{address}/token",service="x""#);
    let registry = registry(&realm.replace(r"\r\n", "\r\n"), "application/json", "{}".into());
    fails(&context, &format!("FROM {registry}/x:1\n"), 3, "registry-untrusted");
}
