//! Shows errors to people: the place, the line, a caret, the sentence, what to do.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::Sources;
use crate::error::Error;
use crate::{lang, words};

/// At most so many errors are shown; the rest is counted.
const MOST: usize = 20;

/// The text for a terminal, in the language that is spoken.
#[must_use]
pub fn render(error: &Error, sources: &Sources, color: bool) -> String {
    let renderer =
        if color { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let mut texts = Vec::new();
    let count = error.each().count();
    for error in error.each().take(MOST) {
        let mut title = Level::ERROR
            .with_name(lang::word("error"))
            .primary_title(error.what.shown())
            .id(error.code);
        let source = error.place.as_ref().and_then(|place| {
            sources
                .files
                .iter()
                .find(|(name, _)| *name == place.file)
                .map(|(name, text)| (name, text, place))
        });
        let mut group: Group<'_> = match source {
            Some((name, text, place)) => {
                let end = place.span.end.min(text.len()).max(place.span.start);
                // A table's span may cover many lines: the caret stays in the first.
                let line_end = text[place.span.start.min(text.len())..end]
                    .find('\n')
                    .map_or(end, |n| place.span.start + n);
                let span = place.span.start.min(text.len())..line_end;
                title = title.id(error.code);
                title.element(
                    Snippet::source(text.as_str())
                        .path(name.as_str())
                        .annotation(AnnotationKind::Primary.span(span)),
                )
            }
            None => Group::with_title(title),
        };
        if let Some(advice) = &error.advice {
            group =
                group.element(Level::HELP.with_name(lang::word("help")).message(advice.shown()));
        }
        texts.push(renderer.render(&[group]));
    }
    if count > MOST {
        texts.push(words!("... and {} more errors", count - MOST));
    }
    texts.join("\n\n")
}
