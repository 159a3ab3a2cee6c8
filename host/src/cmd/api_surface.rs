//! `lab api-surface`: every field that is served and what becomes of it. Never starts a cluster.

use crate::cli::{ApiSurface, SurfaceFormat};
use anyhow::Result;
use cluster::api::{SurfaceField, api_surface as fields};
use std::io::Write as _;
use std::process::ExitCode;

/// Prints the fields of every kind.
///
/// # Errors
/// When standard output is gone.
pub(crate) fn api_surface(typed: &ApiSurface) -> Result<ExitCode> {
    let text = match typed.format {
        SurfaceFormat::Text => table(&fields()),
        SurfaceFormat::Json => json(&fields())?,
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn table(fields: &[SurfaceField]) -> String {
    let kind = |field: &SurfaceField| format!("{} {}", field.api_version, field.kind);
    let width = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0).max(4);
    let kinds = width(&mut fields.iter().map(|field| kind(field).len()));
    let paths = width(&mut fields.iter().map(|field| field.path.len()));
    let line =
        |kind: &str, path: &str, class: &str| format!("{kind:kinds$}   {path:paths$}   {class}\n");
    let rows = fields
        .iter()
        .map(|field| line(&kind(field), &field.path, &field.class()));
    std::iter::once(line("KIND", "PATH", "CLASS"))
        .chain(rows)
        .collect()
}

fn json(fields: &[SurfaceField]) -> Result<String> {
    let all: Vec<serde_json::Value> = fields
        .iter()
        .map(|field| {
            serde_json::json!({
                "apiVersion": field.api_version, "kind": field.kind,
                "path": field.path, "class": field.class(),
            })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}
