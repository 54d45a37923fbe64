//! The state: first thing read, full width, colour with text and shape.

use super::site_live::SiteLive;
use crate::live::Line;
use crate::texts::Texts;
use crate::view::{Moment, SiteView};
use crate::words;
use leptos::prelude::*;
use lockdown::say::age;
use lockdown::standing::Standing;
use lockdown::steps::Target;

/// How the banner speaks.
#[derive(Clone, Copy)]
pub(crate) enum Voice {
    Console,
    /// To residents, in their language.
    Public(StoredValue<Texts>),
}

impl Voice {
    fn say(self, english: impl FnOnce() -> String, theirs: impl FnOnce(&Texts) -> String) -> String {
        match self {
            Self::Console => english(),
            Self::Public(texts) => texts.with_value(theirs),
        }
    }

    fn checked(self) -> String {
        self.say(|| "Checked".into(), |texts| texts.said("checked"))
    }

    fn never(self) -> String {
        self.say(|| "never".into(), |texts| texts.said("never"))
    }

    fn age(self, seconds: i64) -> String {
        self.say(|| age(seconds), |texts| texts.age(seconds))
    }

    fn at(self, clock: &str) -> String {
        self.say(|| format!("at {clock}"), |texts| texts.filled("at", "time", clock))
    }

    fn line_lost(self, since: Option<&str>) -> String {
        self.say(|| words::not_live(since), |texts| texts.line_lost(since))
    }
}

#[component]
pub(crate) fn Banner(live: SiteLive, voice: Voice) -> impl IntoView {
    let site = Memo::new(move |_| live.shown());
    let headline = move || match voice {
        Voice::Console => site.with(|site| site.said.headline.clone()),
        Voice::Public(texts) if live.has_lost_the_server() => texts.with_value(Texts::screen_lost),
        Voice::Public(texts) => {
            site.with(|site| texts.with_value(|texts| texts.headline(site.standing, site.ordered).to_owned()))
        }
    };
    let second = move || match voice {
        Voice::Console => site.with(|site| site.said.second.clone()),
        Voice::Public(texts) => site.with(|site| texts.with_value(|texts| second_line(texts, site))),
    };
    let next_step = move || match voice {
        Voice::Console => site.with(|site| site.said.next_step.clone()),
        Voice::Public(_) => String::new(),
    };
    let progress = move || {
        site.with(|site| match site.standing {
            Standing::Pending { done, of, .. } => {
                let applied = site.detail.as_ref().and_then(|detail| detail.progress).map_or(done, |(n, _)| n);
                Some((applied.max(done), of))
            }
            _ => None,
        })
    };
    view! {
        <section class="banner" data-tone=move || site.with(|site| site.said.tone.clone()) aria-label="State">
            <svg class="banner-shape" viewBox="0 0 24 24" aria-hidden="true">
                <path d=move || site.with(|site| site.said.outline.clone())></path>
            </svg>
            <div class="banner-words" role="status" aria-live="polite" aria-atomic="true">
                <h2 class="banner-headline">{headline}</h2>
                <p class="banner-second">{second}</p>
                <p class="banner-next">{next_step}</p>
            </div>
            <dl class="banner-facts">
                <div>
                    <dt>{voice.checked()}</dt>
                    <dd><ReadingAge live voice/></dd>
                </div>
                {move || {
                    (matches!(voice, Voice::Console) && site.with(under_way))
                        .then(|| view! {
                            <div>
                                <dt>"Since the order"</dt>
                                <dd class="number">
                                    {move || live.elapsed.get().map_or_else(|| "–".to_owned(), words::elapsed)}
                                </dd>
                            </div>
                        })
                }}
            </dl>
            {move || progress().map(|(done, of)| view! {
                <progress class="banner-progress" max=of.to_string() value=done.to_string() aria-label="Steps"></progress>
            })}
        </section>
        <LineBar live voice/>
    }
    .into_any()
}

/// A lock runs, or an order is not verified yet: how long it has been counts.
fn under_way(site: &SiteView) -> bool {
    site.ordered == Target::Locked || matches!(site.standing, Standing::Pending { .. })
}

/// How old the reading is; the plain clock time until the browser runs.
#[component]
pub(crate) fn ReadingAge(live: SiteLive, voice: Voice) -> impl IntoView {
    let text = move || {
        let read = live.shown().read;
        match (live.age.get(), read) {
            (Some(seconds), Some(_)) => voice.age(seconds),
            (None, Some(read)) => voice.at(&read.clock),
            (_, None) => voice.never(),
        }
    };
    view! { <span class="number">{text}</span> }
}

/// Said within seconds when the page is no longer live.
#[component]
fn LineBar(live: SiteLive, voice: Voice) -> impl IntoView {
    view! {
        <div class="line-bar" role="status" hidden=move || live.line.get() != Line::Lost>
            {move || voice.line_lost(live.lost_at.get().as_deref())}
        </div>
        <div class="line-bar" role="alert" hidden=move || !live.signed_out.get()>
            {words::SIGNED_OUT} <a href="/auth/login?return_to=/console">"Sign in again"</a>
        </div>
    }
    .into_any()
}

fn second_line(texts: &Texts, site: &SiteView) -> String {
    let with_zone = |at: &Moment| [&at.clock, " ", &site.zone].concat();
    let read = site.read.as_ref().map(with_zone);
    let seen = site.last_seen.zip(read.as_deref());
    texts.second_line(site.standing, seen, &with_zone(&site.since))
}
