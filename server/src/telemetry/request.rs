//! The request that a line of the log belongs to. Written only into the lines there are: most requests write none, and
//! a span for each costs a tenth of the shortest answers a second (0.65 and 0.74 of a constant handler, measured with
//! and without).

use axum::http::{HeaderValue, Method, Uri};
use std::fmt;
use tokio::task::futures::TaskLocalFuture;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// What comes after these in a path is a secret: a ticket's, and that of what a phone does.
const BEFORE_SECRETS: [&str; 3] = ["/requests/t/", "/phone/v1/log/", "/phone/v1/lock/"];

tokio::task_local! {
    static CURRENT: Asked;
}

/// What is told of a request.
pub struct Asked {
    /// In visible ASCII.
    pub id: HeaderValue,
    pub method: Method,
    pub uri: Uri,
}

impl Asked {
    /// Every line written by `work` is a line about this request.
    pub fn during<W: Future>(self, work: W) -> TaskLocalFuture<Self, W> {
        CURRENT.scope(self, work)
    }

    /// Of the request that is being answered here and now.
    pub(super) fn current_id() -> Option<String> {
        CURRENT.try_with(|asked| asked.id().to_owned()).ok()
    }

    fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    /// Without secrets; a query is nobody's business.
    pub(super) fn path(&self) -> &str {
        let path = self.uri.path();
        BEFORE_SECRETS.into_iter().find(|before| path.starts_with(before)).unwrap_or(path)
    }
}

/// Lines to be read by people: the request goes before the rest.
pub(super) struct Readable<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for Readable<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let asked = CURRENT.try_with(|asked| {
            // A terminal is not commanded by what somebody asked for.
            write!(line, "{} {} {} ", asked.id(), asked.method, asked.path().escape_debug())
        });
        asked.unwrap_or(Ok(()))?;
        self.0.format_event(context, line, event)
    }
}

/// Lines of JSON, for programs: the request is their first three fields.
pub(super) struct Json<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for Json<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut object = String::new();
        self.0.format_event(context, Writer::new(&mut object), event)?;
        let asked = CURRENT.try_with(fields).ok();
        match (asked, object.strip_prefix('{')) {
            (Some(asked), Some(rest)) => write!(line, "{{{asked},{rest}"),
            _ => line.write_str(&object),
        }
    }
}

fn fields(asked: &Asked) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let method = quoted(asked.method.as_str());
    let path = quoted(asked.path());
    format!(r#""trace.id":{},"method":{method},"path":{path}"#, quoted(asked.id()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::fmt::MakeWriter;

    fn asked(uri: &str) -> Asked {
        Asked { id: HeaderValue::from_static("4bf9"), method: Method::GET, uri: uri.parse().unwrap() }
    }

    #[test]
    fn no_secret_of_an_address_is_told() {
        assert_eq!(asked("/requests/t/abcdef").path(), "/requests/t/");
        assert_eq!(asked("/phone/v1/lock/SEP1/once").path(), "/phone/v1/lock/");
        assert_eq!(asked("/console?after=7").path(), "/console");
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(piece)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Kept {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    impl Kept {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    async fn spoken() {
        tracing::info!(answer = 42, "before");
        asked(r#"/a"b?c=d"#.replace('"', "%22").as_str()).during(async { tracing::info!("within") }).await;
    }

    #[tokio::test]
    async fn a_line_of_json_has_its_request_and_one_without_has_none() {
        let kept = Kept::default();
        let format = Json(tracing_subscriber::fmt::format().json());
        let fields = tracing_subscriber::fmt::format::JsonFields::new();
        let log = tracing_subscriber::fmt().with_writer(kept.clone()).fmt_fields(fields).event_format(format).finish();
        let _here = tracing::subscriber::set_default(log);
        spoken().await;
        let lines: Vec<serde_json::Value> =
            kept.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[0]["fields"]["answer"], &lines[0]["trace.id"]), (&42.into(), &serde_json::Value::Null));
        let told = ["trace.id", "method", "path"].map(|name| lines[1][name].as_str().unwrap());
        assert_eq!((told, lines[1]["fields"]["message"].as_str()), (["4bf9", "GET", "/a%22b"], Some("within")));
    }

    #[tokio::test]
    async fn a_readable_line_begins_with_its_request() {
        let kept = Kept::default();
        let format = Readable(tracing_subscriber::fmt::format().without_time());
        let log = tracing_subscriber::fmt().with_writer(kept.clone()).with_ansi(false).event_format(format).finish();
        let _here = tracing::subscriber::set_default(log);
        spoken().await;
        let text = kept.text();
        let lines: Vec<&str> = text.lines().collect();
        assert!(!lines[0].contains("4bf9") && lines[1].starts_with("4bf9 GET /a%22b "), "{text}");
    }
}
