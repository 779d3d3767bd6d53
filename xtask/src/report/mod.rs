//! The report of a night: which BuildKit works with which containerd on which system, and why not. Pure.
//!
//! Whatever is in a result may be anybody's text. It is escaped where it is put into a page, a table, a document or a drawing:
//! in [`markup`] and [`text`], and nowhere else.

pub mod announcement;
pub mod badge;
pub mod changes;
pub mod html;
pub mod junit;
pub mod known;
pub mod markdown;
pub mod markup;
pub mod model;
pub mod standing;
pub mod text;
pub mod trend;

#[cfg(test)]
mod tests;

use model::Report;

/// The page's file name.
pub const PAGE: &str = "index.html";

/// Every file of a report, by its path with slashes. The page comes first: it is what tells a report's folder from others.
pub fn files(report: &Report) -> Vec<(String, String)> {
    let mut files = vec![
        (PAGE.to_owned(), html::page(report)),
        ("report.md".to_owned(), markdown::document(report)),
        ("junit.xml".to_owned(), junit::document(report)),
    ];
    files.extend(badge::all(report).into_iter().map(|(name, badge)| (format!("badges/{name}"), badge)));
    files
}
