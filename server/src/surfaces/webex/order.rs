//! Orders to the bot: asked for, confirmed once by whoever asked, and told to their verified end.

use super::api::Message;
use super::bot::Place;
use super::codes::{Act, GOOD_FOR, Order, Whose, Wrong};
use super::ids::key;
use super::people::Writer;
use super::say::{Say, clipped, safe};
use super::{Webex, WebexError, words};
use crate::config::Release;
use crate::services::release::{ReleaseError, Way};
use engine::{AllClear, EngineError, News, SiteStatus};
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::SiteId;
use lockdown::operator::{Act as Right, Operator};
use lockdown::standing::Standing;
use lockdown::steps::Target;
use lockdown::text::is_same_name;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long an order is followed in the space.
const FOLLOWED: SignedDuration = SignedDuration::from_secs(120);

/// Between two edits of one message, and how many there may be: the cloud allows ten.
const BETWEEN_EDITS: Duration = Duration::from_secs(1);
const EDITS: usize = 8;

/// A reason stands on the card, twice. Bytes.
const LONGEST_REASON: usize = 1_000;

impl Webex {
    /// The site that is meant: the named one (a drill's too), or the only one in earnest.
    fn site(&self, named: Option<&SiteId>) -> Result<SiteStatus, Say> {
        let mut live = self.services.engine.live_statuses();
        match named {
            Some(site) => self.services.engine.status(site).map_err(|error| Say::plain(error.to_string())),
            None if live.len() == 1 => Ok(live.swap_remove(0)),
            None => {
                let ids: Vec<String> = live.iter().map(|status| format!("`{}`", status.id)).collect();
                Err(Say::plain(format!("Which site? Write one of {} after the command.", ids.join(", "))))
            }
        }
    }

    pub(super) async fn asked(
        &self,
        writer: &Writer,
        who: &Operator,
        place: &Place,
        act: Act,
        site: Option<SiteId>,
        reason: Option<String>,
    ) -> Say {
        match self.site(site.as_ref()) {
            Ok(status) => {
                let reason = reason.map(|reason| clipped(&reason, LONGEST_REASON));
                self.ask_for(writer, who, place, act, &status, reason).await
            }
            Err(say) => say,
        }
    }

    /// Rights first: a refusal is told by the engine, as on every surface. Then the card.
    pub(super) async fn ask_for(
        &self,
        writer: &Writer,
        who: &Operator,
        place: &Place,
        act: Act,
        status: &SiteStatus,
        reason: Option<String>,
    ) -> Say {
        let right = if act == Act::Lock { Right::Lock } else { Right::Release };
        if who.may(right, Some(&status.id)).is_err() {
            return self.refused(who, act, status, reason).await;
        }
        if act == Act::Release && self.settings.release == Release::Console {
            return Say::plain(format!("The all-clear is given on the console only: {}/console", self.public_url));
        }
        let now = self.services.clock.now();
        if is_so(act, status, now) {
            return Say::plain(format!("Nothing to do.\n{}", self.standing(status, Some(who), now)));
        }
        let order = Order { act, site: status.id.clone(), version: status.version };
        let room = key(&place.room);
        let (code, slot) =
            self.front.codes.ask(Whose { person: &writer.account, room: &room }, &order, self.services.clock.now());
        if let Some(reason) = &reason {
            self.remember_reason(&code, reason);
        }
        words::ask(&order, status, &code, slot, reason.as_deref())
    }

    /// A code that is typed brings no reason; the one it was asked with is kept as long as the code is good.
    fn remember_reason(&self, code: &str, reason: &str) {
        let now = self.services.clock.now();
        let mut reasons = self.reasons.lock();
        reasons.retain(|_, (_, at)| now.duration_since(*at).as_secs() <= 2 * GOOD_FOR);
        reasons.insert(code.to_owned(), (reason.to_owned(), now));
    }

    fn reason_of(&self, code: &str) -> Option<String> {
        let reasons = self.reasons.lock();
        reasons.get(code).map(|(reason, _)| reason.clone())
    }

    /// Lets the engine refuse it, so that the timeline has it.
    pub(super) async fn refused(&self, who: &Operator, act: Act, status: &SiteStatus, reason: Option<String>) -> Say {
        let outcome = match act {
            Act::Lock => self.services.engine.activate(who, &status.id, reason).await.map(|_| ()),
            Act::Release => {
                let all_clear = AllClear { reason, seen: Some(status.version), ..AllClear::default() };
                self.services.engine.would_release(who, &status.id, &all_clear).await
            }
        };
        match outcome {
            Err(error) => Say::plain(format!("No. {error}")),
            // Given the right at this very moment.
            Ok(()) => Say::plain("Write it again."),
        }
    }

    pub(super) async fn drill(
        &self,
        writer: &Writer,
        who: &Operator,
        place: &Place,
        site: Option<SiteId>,
        over: bool,
    ) -> Say {
        let practised = match self.site(site.as_ref()) {
            Ok(status) => status,
            Err(say) => return say,
        };
        let drill = self.services.engine.drill_of(&practised.id).and_then(|id| self.services.engine.status(&id).ok());
        let drill = if practised.drill { Some(practised.clone()) } else { drill };
        let Some(drill) = drill else {
            return Say::plain(format!(
                "No drill is set up for {}: an engineer adds a site with `drill_of`.",
                safe(&practised.name)
            ));
        };
        self.ask_for(writer, who, place, if over { Act::Release } else { Act::Lock }, &drill, None).await
    }

    /// A code that was typed: everything a card can do.
    pub(super) async fn typed(
        self: &Arc<Self>,
        writer: &Writer,
        who: &Operator,
        place: &Place,
        code: &str,
        said: Option<String>,
    ) -> Result<(), WebexError> {
        let statuses = self.services.engine.statuses();
        let both = |status: &SiteStatus| {
            [Act::Lock, Act::Release].map(|act| Order { act, site: status.id.clone(), version: status.version })
        };
        let orders: Vec<Order> = statuses.iter().flat_map(both).collect();
        let room = key(&place.room);
        let whose = Whose { person: &writer.account, room: &room };
        match self.front.codes.find(whose, &orders, code, self.services.clock.now()) {
            Some((order, slot)) => {
                let kept = self.reason_of(code);
                let (typed, reason) = match order.act {
                    Act::Release => (said.unwrap_or_default(), kept),
                    Act::Lock => (String::new(), said.or(kept)),
                };
                self.confirmed(who, place, order.clone(), &format!("{code}/{slot}"), typed, reason).await
            }
            None => self.out_of_date(Some(who), place).await,
        }
    }

    pub(super) async fn pressed(
        self: &Arc<Self>,
        writer: &Writer,
        who: &Operator,
        place: &Place,
        text: &impl Fn(&str) -> String,
    ) -> Result<(), WebexError> {
        let order = (|| {
            Some(Order {
                act: Act::from_word(&text("act"))?,
                site: SiteId::try_from(text("site")).ok()?,
                version: text("version").parse().ok()?,
            })
        })();
        let (Some(order), Ok(slot)) = (order, text("slot").parse::<i64>()) else {
            self.front.counts.forged.fetch_add(1, Ordering::Relaxed);
            return self.out_of_date(Some(who), place).await;
        };
        let code = text("code");
        let room = key(&place.room);
        match self.front.codes.check(
            Whose { person: &writer.account, room: &room },
            &order,
            slot,
            &code,
            self.services.clock.now(),
        ) {
            Ok(()) => {
                let reason = Some(text("reason")).filter(|reason| !reason.is_empty());
                self.confirmed(who, place, order, &format!("{code}/{slot}"), text("typed"), reason).await
            }
            Err(Wrong::Expired) => self.out_of_date(Some(who), place).await,
            Err(Wrong::NotYours) => {
                self.front.counts.forged.fetch_add(1, Ordering::Relaxed);
                self.say(
                    place,
                    Say::plain("This card was made for somebody else: nothing was done. Write the command yourself."),
                )
                .await
                .map(|_| ())
            }
        }
    }

    /// Once, whether it was pressed or typed.
    pub(super) async fn confirmed(
        self: &Arc<Self>,
        who: &Operator,
        place: &Place,
        order: Order,
        once: &str,
        typed: String,
        reason: Option<String>,
    ) -> Result<(), WebexError> {
        if let Err(say) = self.is_good(&order, once, &typed).await {
            return self.say(place, say).await.map(|_| ());
        }
        match self.give(who, &order, &typed, reason).await {
            Ok(()) => {
                let webex = self.clone();
                let who = who.clone();
                let place = place.clone();
                tokio::spawn(async move {
                    if let Err(error) = webex.follow(&who, &place, &order).await {
                        tracing::warn!(%error, "how an order goes could not be told");
                    }
                });
                Ok(())
            }
            Err(why) => self.say(place, Say::plain(format!("No. {why}"))).await.map(|_| ()),
        }
    }

    /// A wrong name uses nothing up: it is to be typed again. All else is used up by this.
    async fn is_good(&self, order: &Order, once: &str, typed: &str) -> Result<(), Say> {
        let status = self.services.engine.status(&order.site).map_err(|error| Say::plain(error.to_string()))?;
        if order.act == Act::Release && !is_same_name(typed, &status.name) {
            let name = safe(&status.name);
            return Err(Say::plain(format!("Type the site’s name, {name}, to give the all-clear. Nothing was done.")));
        }
        match self.services.directory.consume_once(&format!("webex-once/{once}"), self.services.clock.now()).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.front.counts.replayed.fetch_add(1, Ordering::Relaxed);
                Err(self.old_news(None))
            }
            // Nothing may delay the lock, and ordering it twice is ordering it once.
            Err(_) if order.act == Act::Lock => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "whether a confirmation was used is not known");
                Err(Say::plain("This cannot be checked now: nothing was done. Use the console."))
            }
        }
    }

    async fn give(&self, who: &Operator, order: &Order, typed: &str, reason: Option<String>) -> Result<(), String> {
        let site = order.site.clone();
        match order.act {
            Act::Lock => {
                let taken = self.services.engine.activate(who, &site, reason).await;
                taken.map(|_| ()).map_err(|error| error.to_string())
            }
            Act::Release => {
                let all_clear = AllClear { reason, seen: Some(order.version), ..AllClear::default() };
                let given = self.services.releases.give(who, &site, all_clear, Way::Bot { typed }).await;
                given.map(|_| ()).map_err(|error| self.not_given(error))
            }
        }
    }

    fn not_given(&self, error: ReleaseError) -> String {
        match error {
            ReleaseError::PasskeyNeeded | ReleaseError::PasskeyImpossible | ReleaseError::NoSession => {
                format!("A passkey must confirm it. Give it on the console: {}/console", self.public_url)
            }
            ReleaseError::Engine(EngineError::OthersUnreachable) => format!(
                "The shared database cannot be reached, so other servers would not hear of the all-clear. To give it all the \
                 same, use the console: {}/console",
                self.public_url
            ),
            error => error.to_string(),
        }
    }

    /// Says at once that it is under way, and tells in the same message how it goes, to the verified end.
    pub(super) async fn follow(&self, who: &Operator, place: &Place, order: &Order) -> Result<(), WebexError> {
        let engine = &self.services.engine;
        let clock = &self.services.clock;
        let mut news = self.services.timeline.subscribe();
        let begun = clock.now();
        let Ok(mut status) = engine.status(&order.site) else { return Ok(()) };
        if let Some(asked) = status.command.asked(begun).filter(|_| order.act == Act::Release) {
            let until = self.services.sites.clock(Some(&order.site), asked.until(), begun);
            let text = lockdown::say::asked(&safe(&asked.by.name), &until);
            return self.say(place, Say::plain(format!("{text} The lock stays ordered until then."))).await.map(|_| ());
        }
        let mut shown = self.standing(&status, Some(who), begun);
        let mut message = self.say(place, Say::plain(shown.clone())).await?;
        let mut edits = 0;
        while !is_over(&status, clock.now()) && clock.now().duration_since(begun) < FOLLOWED {
            tokio::select! {
                told = news.recv() => {
                    if !matches!(&told, Ok(News::Site(status)) if status.id == order.site) && told.is_ok() {
                        continue;
                    }
                }
                () = clock.sleep(Duration::from_secs(10)) => {}
            }
            clock.sleep(BETWEEN_EDITS).await;
            while news.try_recv().is_ok() {}
            status = engine.status(&order.site).unwrap_or(status);
            let now = self.standing(&status, Some(who), clock.now());
            if now == shown || (edits >= EDITS && !is_over(&status, clock.now())) {
                continue;
            }
            edits += 1;
            message = self.change(place, message, &now, edits).await?;
            shown = now;
        }
        let took = status.command.verified_at().map(|at| at.duration_since(status.command.since()).as_millis());
        let end = match took {
            Some(ms) if is_over(&status, clock.now()) => {
                format!("{shown}\nDone after {}.{} s.", ms / 1000, ms % 1000 / 100)
            }
            _ => format!("{shown}\nI stop reporting here; it goes on by itself. Ask me for `status`."),
        };
        self.change(place, message, &end, edits + 1).await.map(|_| ())
    }

    /// In place; where that is refused, anew.
    pub(super) async fn change(
        &self,
        place: &Place,
        message: Message,
        text: &str,
        edits: usize,
    ) -> Result<Message, WebexError> {
        let say = Say::plain(text);
        if edits <= EDITS + 1 {
            match self.client.put(&format!("messages/{}", message.id), &say.body(&place.room, None)).await {
                Err(WebexError::Refused { .. }) => {}
                changed => return changed,
            }
        }
        self.say(place, say).await
    }
}

/// Is what is asked for so already? A lock is pressed again where an all-clear is being asked for, which it
/// forgets, and where others may have released it.
fn is_so(act: Act, status: &SiteStatus, now: Timestamp) -> bool {
    let locked = status.command.target() == Target::Locked;
    match act {
        Act::Lock => locked && status.command.asked(now).is_none() && status.alone_since.is_none(),
        Act::Release => !locked,
    }
}

/// Carried out and seen so, or something a person must look at.
fn is_over(status: &SiteStatus, now: Timestamp) -> bool {
    status.command.is_settled()
        && matches!(status.standing(now), Standing::Locked | Standing::Normal | Standing::Drifted { .. })
}
