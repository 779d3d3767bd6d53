//! GitHub's releases, asked as seldom as can be: an hour has 60 calls without a token.

use super::{Found, Ground, Material, Resolution, Resolved, UNKNOWN_VERSION};
use crate::component::Component;
use crate::error::Error;
use crate::fetch::{Asset, Form, Origin};
use crate::files;
use crate::http::{Answer, HttpError, HttpErrorKind, Text};
use crate::process::TOKENS;
use crate::release::{self, Choice, Release};
use crate::version::Spec;
use serde::{Deserialize, Serialize};
use std::fs;

/// GitHub ends its lists here.
const MOST_PAGES: usize = 10;

/// Why GitHub gave nothing: `auto` goes on elsewhere for some of these.
pub enum Failure {
    /// The call itself failed.
    Http(HttpError),
    /// GitHub answered, and the answer is no.
    Final(Error),
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        Failure::Http(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Final(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Http(error) => error.into(),
            Failure::Final(error) => error,
        }
    }
}

/// An answer of the API's, kept to be asked about with its ETag: an unchanged one costs no call.
#[derive(Serialize, Deserialize)]
struct Kept {
    url: String,
    etag: Option<String>,
    next: Option<String>,
    body: String,
}

/// Chooses among a component's releases on GitHub.
pub fn resolve(ground: &Ground, component: Component, spec: &Spec) -> Result<Resolved, Failure> {
    let repository = format!("{}/repos/{}", ground.github.api, component.repository());
    if let Spec::Exact(version) = spec {
        match ask(ground, &format!("{repository}/releases/tags/v{version}")) {
            Ok(text) => {
                let releases: Vec<Release> = release::one_from_github(&text.body)?.into_iter().collect();
                return match release::choose(component, ground.platform, spec, &releases)? {
                    Some(choice) => resolved(ground, component, choice),
                    None => Err(release::nothing_matches(component, ground.platform, spec, "GitHub", &releases).into()),
                };
            }
            // The list names what there is instead.
            Err(error) if error.kind == HttpErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut seen = Vec::new();
    let mut next = Some(format!("{repository}/releases?per_page=100"));
    for _ in 0..MOST_PAGES {
        let Some(url) = next else { break };
        let text = ask(ground, &url)?;
        seen.extend(release::from_github(&text.body)?);
        // Newest first by date, so a series' newest patch comes before its older ones: the first page that
        // satisfies a spec is enough, and mostly it is the first of all.
        if let Some(choice) = release::choose(component, ground.platform, spec, &seen)? {
            return resolved(ground, component, choice);
        }
        next = text.next;
        if matches!(spec, Spec::Exact(_)) {
            break;
        }
    }
    Err(release::nothing_matches(component, ground.platform, spec, "GitHub", &seen).into())
}

/// Every release of a component. A list begins with what was published last, which need not be the newest of its series, so
/// that only the whole of it tells.
pub fn all(ground: &Ground, component: Component) -> Result<Vec<Release>, Failure> {
    let mut seen = Vec::new();
    let mut next = Some(format!("{}/repos/{}/releases?per_page=100", ground.github.api, component.repository()));
    for _ in 0..MOST_PAGES {
        let Some(url) = next else { break };
        let text = ask(ground, &url)?;
        seen.extend(release::from_github(&text.body)?);
        next = text.next;
    }
    Ok(seen)
}

pub(super) fn ask(ground: &Ground, url: &str) -> Result<Text, HttpError> {
    let digest = files::sha256_of(url.as_bytes());
    let file = ground.workspace.release_cache().join(format!("{}.json", &digest[..16]));
    let kept = fs::read_to_string(&file)
        .ok()
        .and_then(|text| serde_json::from_str::<Kept>(&text).ok())
        .filter(|kept| kept.url == url);
    let etag = kept.as_ref().and_then(|kept| kept.etag.as_deref());
    let text = match ground.http.get_text(url, ground.github.token.as_deref(), etag)? {
        Answer::Fresh(text) => text,
        Answer::NotModified => {
            let kept = kept.unwrap_or(Kept { url: url.into(), etag: None, next: None, body: "[]".into() });
            return Ok(Text { body: kept.body, etag: kept.etag, next: kept.next });
        }
    };
    let keep = Kept { url: url.into(), etag: text.etag.clone(), next: text.next.clone(), body: text.body.clone() };
    // Without the cache the next run merely asks again.
    if let Ok(json) = serde_json::to_string(&keep) {
        drop(files::write_whole(&file, json.as_bytes()));
    }
    Ok(text)
}

fn resolved(ground: &Ground, component: Component, choice: Choice) -> Result<Resolved, Failure> {
    let mut vouched_by = choice.asset.sha256.as_ref().map(|_| "GitHub".to_owned());
    let mut sha256 = choice.asset.sha256.clone();
    if let (None, Some(sums)) = (&sha256, &choice.sums)
        && let Answer::Fresh(text) = ground.http.get_text(&sums.location, None, None)?
    {
        sha256 = release::digest_in_sums(&text.body, &choice.asset.name);
        if sha256.is_none() {
            return Err(Failure::Final(
                Error::ground(format!("`{}` holds no digest of `{}`", sums.location, choice.asset.name))
                    .hint(format!("ask for another version, or download it and give its path: `--{component} PATH`")),
            ));
        }
        vouched_by = Some(sums.name.clone());
    }
    Ok(from_choice(component, Found::Github, choice, sha256, vouched_by, Origin::Url))
}

/// A choice as a resolution, for every source that has asset files.
pub(super) fn from_choice(
    component: Component,
    found: Found,
    choice: Choice,
    sha256: Option<String>,
    vouched_by: Option<String>,
    origin: impl FnOnce(String) -> Origin,
) -> Resolved {
    let version = choice.version.map_or_else(|| UNKNOWN_VERSION.to_owned(), |version| version.to_string());
    let asset = Asset {
        form: form(component, &choice.asset.name),
        file_name: choice.asset.name,
        origin: origin(choice.asset.location.clone()),
        size: choice.asset.size,
        sha256: sha256.clone(),
    };
    let resolution = Resolution {
        component,
        version,
        source: found,
        url: choice.asset.location,
        size: choice.asset.size,
        sha256,
        skipped: choice.skipped,
    };
    Resolved { resolution, material: Material::Asset(asset), vouched_by, instead: None }
}

/// Archives are unpacked; the CNI plugins come as a zip, and runc and buildx are released as the bare program.
pub(super) fn form(component: Component, file_name: &str) -> Form {
    if file_name.ends_with(".tar.gz") || file_name.ends_with(".tgz") {
        Form::TarGz
    } else if component == Component::Cni && file_name.ends_with(".zip") {
        Form::Zip { name: component.main_program().to_owned() }
    } else {
        Form::Program { name: component.main_program().to_owned() }
    }
}

/// Reads GitHub's address and token as GitHub Actions and GitHub's own command line set them.
pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> super::Github {
    let set = |name: &str| get(name).filter(|value| !value.is_empty());
    super::Github {
        api: set("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".into()).trim_end_matches('/').to_owned(),
        token: TOKENS.into_iter().find_map(set),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_token_is_none() {
        let github = from_environment(|name| match name {
            "GH_TOKEN" => Some(String::new()),
            "GITHUB_TOKEN" => Some("t".into()),
            "GITHUB_API_URL" => Some("http://x/api/".into()),
            _ => None,
        });
        assert_eq!((github.api.as_str(), github.token.as_deref()), ("http://x/api", Some("t")));
    }
}
