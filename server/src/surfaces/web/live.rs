//! News for open pages. Each piece is written once, whatever the number of watchers.

use crate::http::AppState;
use crate::http::address::Caller;
use crate::http::language::wished;
use crate::http::limits::OpenLine;
use crate::http::shutdown::come_back;
use crate::identity::token;
use crate::surfaces::web::backend::Pages;
use crate::surfaces::web::backend::queue::ticket_view;
use app::backend::CurrentSession;
use app::texts::{Texts, languages, texts};
use app::view::{Live, TicketView};
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::sse::{Event as SseEvent, Sse};
use axum::response::{IntoResponse, Response};
use engine::{News, SiteStatus};
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use limit::Place;
use lockdown::call_request::CallRequest;
use lockdown::ids::{RequestId, SiteId};
use lockdown::incident::SHAPING;
use lockdown::operator::{Act, Operator};
use lockdown::timeline::{Event, EventKind};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};

/// A page takes a line for dead after 8 s of silence.
const BEAT: Duration = Duration::from_secs(3);

/// A line is closed after 24 s and opened again by the browser: rights that were taken away end with
/// it, within 30 s.
const BEATS_A_LINE: u32 = 8;

/// Events a line catches up on; whoever missed more loads the page.
const CATCH_UP: usize = 200;

const BACKLOG: usize = 256;

/// Writes news down for both audiences.
#[derive(Clone)]
pub(crate) struct Broadcaster(broadcast::Sender<Arc<Frame>>);

struct Frame {
    id: Option<u64>,
    /// The site it is about; in detail only for those who work there.
    site: Option<SiteId>,
    public: Option<String>,
    eoc: String,
    /// An entry of the timeline is for whom the rule book says.
    event: Option<Event>,
    /// A call request is for the EOC, and for whoever asked.
    request: Option<Asked>,
    beat: bool,
}

/// A call request for whoever asked: found by the digest of their secret.
struct Asked {
    form: String,
    /// In every language: its tag, and the message.
    ticket: Vec<(&'static str, String)>,
}

impl Broadcaster {
    /// Tells until the engine is gone. Events come from the store, so that what another process wrote
    /// is told too, and nothing is skipped.
    pub(crate) fn start(pages: Arc<Pages>) -> Self {
        let clock = pages.clock.clone();
        let store = pages.store.clone();
        let (told, _) = broadcast::channel(BACKLOG);
        let broadcaster = Self(told);
        let mut news = pages.timeline.subscribe();
        let telling = broadcaster.clone();
        let (changed, changes) = mpsc::unbounded_channel();
        tokio::spawn(broadcaster.clone().tell_requests(pages.clone(), changes));
        tokio::spawn(async move {
            let mut beat = tokio::time::interval(BEAT);
            pages.refresh_alarms().await;
            pages.refresh_incidents().await;
            let mut last = store.latest_events(1).await.unwrap_or_default().first().map_or(0, |event| event.seq);
            loop {
                let heard = tokio::select! {
                    _ = beat.tick() => {
                        telling.tell(Frame::beat());
                        None
                    }
                    heard = news.recv() => Some(heard),
                };
                match heard {
                    Some(Ok(News::Site(status))) => {
                        telling.tell(Frame::site(&status, clock.now(), &pages));
                        continue;
                    }
                    Some(Err(RecvError::Closed)) => return,
                    // What was missed is told as it is now.
                    Some(Err(RecvError::Lagged(_))) => telling.sites(&pages),
                    Some(Ok(News::Event(event))) if store.away_since().is_some() => {
                        // It has no number that others know yet: told at once, and again with it.
                        telling.tell(Frame { id: None, ..Frame::event(&event, clock.now(), &pages) });
                        telling.follow_up(&pages, std::slice::from_ref(&*event), &changed).await;
                        continue;
                    }
                    None | Some(Ok(News::Event(_) | News::Timeline)) => {}
                }
                let events = store.events_after(last, CATCH_UP).await.unwrap_or_default();
                for event in &events {
                    last = event.seq;
                    telling.tell(Frame::event(event, clock.now(), &pages));
                }
                telling.follow_up(&pages, &events, &changed).await;
            }
        });
        broadcaster
    }

    /// What else a page shows of what happened.
    async fn follow_up(&self, pages: &Pages, events: &[Event], changed: &mpsc::UnboundedSender<String>) {
        self.alarms(pages, events).await;
        self.incidents(pages, events).await;
        for request in events.iter().filter_map(|event| event.kind.request()) {
            // The other end lives as long as the process.
            let _ = changed.send(request.to_string());
        }
    }

    fn sites(&self, pages: &Pages) {
        for status in pages.engine.statuses() {
            self.tell(Frame::site(&status, pages.clock.now(), pages));
        }
    }

    /// The EOC's file changed: its card stands on every console.
    async fn incidents(&self, pages: &Pages, events: &[Event]) {
        let about = |event: &Event| SHAPING.contains(&event.kind.name()) || matches!(event.kind, EventKind::SharedBack);
        if events.iter().any(about) && pages.refresh_incidents().await {
            self.sites(pages);
        }
    }

    /// Each request as it is now, however often it changed meanwhile. By itself: a long queue keeps no news of
    /// a lock waiting.
    async fn tell_requests(self, pages: Arc<Pages>, mut changes: mpsc::UnboundedReceiver<String>) {
        while let Some(first) = changes.recv().await {
            let mut changed = BTreeSet::from([first]);
            while let Ok(another) = changes.try_recv() {
                changed.insert(another);
            }
            for id in changed {
                self.tell_request(&pages, id).await;
            }
        }
    }

    async fn tell_request(&self, pages: &Pages, id: String) {
        loop {
            match pages.calls.as_it_is(&id).await {
                Ok(Some((request, twins))) => return self.tell(Frame::request(pages, &request, &twins)),
                Ok(None) => return self.tell(Frame::gone(id)),
                Err(error) => {
                    tracing::debug!(%error, "a call request is told later");
                    pages.clock.sleep(BEAT).await;
                }
            }
        }
    }

    /// Somebody came in past the identity provider, or it was reviewed: every console says so. Also when
    /// the shared database is back: what happened elsewhere meanwhile is not among these events.
    async fn alarms(&self, pages: &Pages, events: &[Event]) {
        let about = |event: &Event| {
            matches!(event.kind, EventKind::SignedInLocally { .. } | EventKind::Reviewed { .. } | EventKind::SharedBack)
        };
        let webex = |event: &Event| matches!(event.kind, EventKind::WebexLost { .. } | EventKind::WebexBack);
        let changed = events.iter().any(about) && pages.refresh_alarms().await;
        if changed || events.iter().any(webex) {
            self.sites(pages);
        }
    }

    /// Nobody listening is no trouble.
    fn tell(&self, told: Frame) {
        let _ = self.0.send(Arc::new(told));
    }
}

fn ticket_in(ticket: &TicketView, texts: &Texts) -> String {
    written(&Live::Ticket(app::fragments::ticket(ticket.clone(), texts.clone())))
}

fn written(live: &Live) -> String {
    serde_json::to_string(live).expect("views have only strings, numbers and lists in them")
}

impl Frame {
    fn beat() -> Self {
        let beat = written(&Live::Beat);
        Self { id: None, site: None, public: Some(beat.clone()), eoc: beat, event: None, request: None, beat: true }
    }

    fn site(status: &SiteStatus, now: Timestamp, pages: &Pages) -> Self {
        Self {
            id: None,
            site: Some(status.id.clone()),
            // The public hears of no drill.
            public: (!status.drill).then(|| written(&Live::Site(Box::new(pages.public_site(status, now))))),
            eoc: written(&Live::Site(Box::new(pages.detailed_site(status, now)))),
            event: None,
            request: None,
            beat: false,
        }
    }

    fn event(event: &Event, now: Timestamp, pages: &Pages) -> Self {
        let eoc = written(&Live::Event(pages.event_view(event, now)));
        Self {
            id: Some(event.seq),
            site: event.site.clone(),
            public: None,
            eoc,
            event: Some(event.clone()),
            request: None,
            beat: false,
        }
    }

    /// A request was erased: nothing of it stays on a page.
    fn gone(id: String) -> Self {
        let eoc = written(&Live::Gone(id));
        let asked = Asked { form: String::new(), ticket: Vec::new() };
        Self { id: None, site: None, public: None, eoc, event: None, request: Some(asked), beat: false }
    }

    fn request(pages: &Pages, request: &CallRequest, twins: &[CallRequest]) -> Self {
        let now = pages.clock.now();
        let view = ticket_view(pages, request, now);
        let ticket = languages().map(|(tag, _)| (tag, ticket_in(&view, texts([tag]))));
        Self {
            id: None,
            site: Some(request.site.clone()),
            public: None,
            eoc: written(&Live::Request(Box::new(pages.request_news(request, twins, now)))),
            event: None,
            request: Some(Asked { form: request.form.clone(), ticket: ticket.collect() }),
            beat: false,
        }
    }

    fn for_audience(&self, listener: &Listener) -> Option<SseEvent> {
        if let Some(asked) = self.request.as_ref().filter(|asked| listener.ticket.as_ref() == Some(&asked.form)) {
            let theirs = asked.ticket.iter().find(|(tag, _)| *tag == listener.texts.say("lang"));
            return theirs.map(|(_, text)| SseEvent::default().data(text));
        }
        let eoc = match (&self.event, &self.request) {
            (Some(event), _) => listener.sees(event),
            (None, Some(_)) => listener.reads_calls_at(self.site.as_ref()),
            (None, None) => listener.works_at(self.site.as_ref()),
        };
        let text = if eoc { Some(&self.eoc) } else { self.public.as_ref() }?;
        let event = SseEvent::default().data(text);
        Some(match self.id.filter(|_| eoc) {
            Some(id) => event.id(id.to_string()),
            None => event,
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct From {
    after: Option<u64>,
    /// The secret of a call request that is followed, or its id.
    ticket: Option<String>,
    /// Of a gadget: its agents may share one address.
    embed: Option<String>,
}

/// Whoever is at the other end, with the rights they had when the line was opened.
struct Listener {
    who: Option<Operator>,
    /// Digest of the secret of the request they follow.
    ticket: Option<String>,
    /// In their language.
    texts: &'static Texts,
}

impl Listener {
    fn sees(&self, event: &Event) -> bool {
        self.who.as_ref().is_some_and(|operator| event.is_for(operator))
    }

    fn works_at(&self, site: Option<&SiteId>) -> bool {
        self.who.as_ref().is_some_and(|operator| operator.may(Act::Work, site).is_ok())
    }

    fn reads_calls_at(&self, site: Option<&SiteId>) -> bool {
        self.who.as_ref().is_some_and(|operator| operator.may(Act::ReadCalls, site).is_ok())
    }
}

/// The line of a page: first what was missed and how it stands, then news as it happens.
pub(crate) async fn page_line(
    State(state): State<AppState>,
    Query(from): Query<From>,
    who: Option<Extension<Operator>>,
    here: Option<Extension<CurrentSession>>,
    Extension(Caller(address)): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    let session = here.map(|Extension(CurrentSession(id))| id);
    let gadget = match &from.embed {
        Some(key) => state.pages.site_of_gadget(key).await.ok(),
        None => None,
    };
    let Some(counted) = counted(&state, session, gadget, address) else {
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "10")], "too many open lines").into_response();
    };
    let texts = texts(wished(&headers).iter().map(String::as_str));
    let who = who.map(|Extension(operator)| operator);
    let ticket = followed(&state, who.as_ref(), from.ticket).await;
    let listener = Listener { who, ticket, texts };
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    // Listened to before anything is looked up, so that nothing falls between.
    let news = state.broadcaster.0.subscribe();
    let first = beginning(&state, &listener, last.or(from.after)).await;
    let line = futures_util::stream::iter(first).chain(following(news, listener)).map(move |event| {
        let _ = &counted;
        Ok::<_, Infallible>(event)
    });
    let line = line.take_until(state.stop.begun());
    ([(HeaderName::from_static("x-accel-buffering"), "no")], Sse::new(line)).into_response()
}

/// Digest of the secret of the request that is followed, by that secret or by its id.
async fn followed(state: &AppState, who: Option<&Operator>, key: Option<String>) -> Option<String> {
    let key = key?;
    // While the store is away nothing is known of it; its secret is then believed, and finds what it opens.
    let known = state.services.calls.followed(who, &key).await;
    Some(known.map_or_else(|_| token::digest(&key), |request| request.form))
}

/// A place among the open lines, held as long as the line lives.
#[expect(dead_code, reason = "held, not looked at")]
enum Counted {
    Session(OpenLine<String>),
    Address(OpenLine<Place>),
    Gadget(OpenLine<SiteId>),
}

/// `None` when there are too many already. Whoever is signed in is not kept out by strangers at the same
/// address.
fn counted(state: &AppState, session: Option<String>, gadget: Option<SiteId>, from: Option<IpAddr>) -> Option<Counted> {
    match (session, gadget) {
        (Some(session), _) => state.limits.session_lines.open(session).map(Counted::Session),
        (None, Some(site)) => state.limits.gadget_lines.open(site).map(Counted::Gadget),
        (None, None) => state.limits.address_lines.open(from.into()).map(Counted::Address),
    }
}

async fn beginning(state: &AppState, listener: &Listener, after: Option<u64>) -> Vec<SseEvent> {
    let now = state.services.clock.now();
    let mut first: Vec<SseEvent> = vec![come_back()];
    if let (true, Some(after)) = (listener.works_at(None), after) {
        let mut missed = state.services.store.events_after(after, CATCH_UP).await.unwrap_or_default();
        missed.retain(|event| listener.sees(event));
        first.extend(missed.iter().map(|event| {
            let text = written(&Live::Event(state.pages.event_view(event, now)));
            SseEvent::default().id(event.seq.to_string()).data(text)
        }));
        first.extend(missed_requests(state, listener, &missed).await);
    }
    for status in state.services.engine.statuses() {
        let view = if listener.works_at(Some(&status.id)) {
            state.pages.detailed_site(&status, now)
        } else if status.drill {
            continue;
        } else {
            state.pages.public_site(&status, now)
        };
        first.push(SseEvent::default().data(written(&Live::Site(Box::new(view)))));
    }
    if let Some(followed) = &listener.ticket
        && let Ok(Some(request)) = state.services.calls.by_digest(followed).await
    {
        let view = ticket_view(&state.pages, &request, now);
        first.push(SseEvent::default().data(ticket_in(&view, listener.texts)));
    }
    first
}

/// What changed in the queue since the line before this one ended.
async fn missed_requests(state: &AppState, listener: &Listener, missed: &[Event]) -> Vec<SseEvent> {
    let changed: BTreeSet<&str> = missed
        .iter()
        .filter(|event| listener.reads_calls_at(event.site.as_ref()))
        .filter_map(|event| event.kind.request())
        .map(RequestId::as_str)
        .collect();
    let mut told = Vec::new();
    for id in changed {
        let text = match state.services.calls.as_it_is(id).await {
            Ok(Some((request, twins))) => Frame::request(&state.pages, &request, &twins).eoc,
            Ok(None) => written(&Live::Gone(id.to_owned())),
            Err(_) => continue,
        };
        told.push(SseEvent::default().data(text));
    }
    told
}

fn following(news: broadcast::Receiver<Arc<Frame>>, listener: Listener) -> impl Stream<Item = SseEvent> {
    futures_util::stream::unfold((news, 0, listener), move |(mut news, beats, listener)| async move {
        loop {
            match news.recv().await {
                Ok(told) if told.beat && beats >= BEATS_A_LINE => return None,
                Ok(told) => {
                    let beats = beats + u32::from(told.beat);
                    if let Some(event) = told.for_audience(&listener) {
                        return Some((event, (news, beats, listener)));
                    }
                }
                // Too slow: the browser opens a new line and begins with how it stands.
                Err(RecvError::Lagged(_) | RecvError::Closed) => return None,
            }
        }
    })
}
