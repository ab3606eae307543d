//! The walk that makes a page.

use uuid::Uuid;

use super::{
    Admit, ChangedConversation, ChangedHead, ChangedHeads, ChangedMessage, ChangedMessages,
    ChangesPage, FeedPlace, FeedPosition, FeedRows, PageRead, PageRequest,
};
use crate::identity::ConversationKey;
use crate::ports::NamedConversation;

/// How many conversations are asked for at first; they fill most pages, and a store finds them without
/// bringing all of a visitor's conversations in order.
const FIRST_HEADS: usize = 128;

/// How many conversations are asked at most at once for their changed messages; it begins with one,
/// as that may fill the page.
const CONVERSATIONS_AT_ONCE: usize = 32;

/// Reads a page. `change_counter` is the visitor's counter at the moment of the read.
///
/// # Errors
/// When the store cannot be read.
pub fn read_page<R: FeedRows>(
    rows: &mut R,
    request: &PageRequest,
    admit: &Admit,
    change_counter: u64,
) -> Result<PageRead, R::Error> {
    let start = FeedPosition::start(change_counter);
    let position = request.position.unwrap_or(start);
    let mut page = PageBuilder::after(position, request);
    let has_more = page.fill(rows, change_counter)?;
    if !admit(page.content_bytes) {
        return Ok(PageRead::NotAdmitted);
    }
    let drained = FeedPosition::drained_at(change_counter);
    Ok(PageRead::Page(ChangesPage {
        next: if has_more { page.position() } else { drained },
        conversations: page.read(rows)?,
        has_more,
        change_counter,
    }))
}

struct PageBuilder<'r> {
    request: &'r PageRequest,
    since: u64,
    dead_left_out_through: Option<u64>,
    last: Option<FeedPlace>,
    items: Vec<NamedConversation>,
    /// How many changed items it has, those that are left out included.
    changed: usize,
    content_bytes: usize,
}

impl<'r> PageBuilder<'r> {
    fn after(position: FeedPosition, request: &'r PageRequest) -> Self {
        Self {
            request,
            since: position.since,
            dead_left_out_through: position.dead_left_out_through,
            last: position.last,
            items: Vec::new(),
            changed: 0,
            content_bytes: 0,
        }
    }

    /// Takes what the page has room for, and tells whether there is more.
    fn fill<R: FeedRows>(&mut self, rows: &mut R, change_counter: u64) -> Result<bool, R::Error> {
        if change_counter <= self.since {
            return Ok(false);
        }
        let from_start = (
            self.since.saturating_add(1),
            ConversationKey::from_uuid(Uuid::nil()),
        );
        let mut wanted = ChangedHeads {
            from: self
                .last
                .map_or(from_start, |last| (last.latest_change, last.conversation)),
            dead_left_out_through: self.dead_left_out_through,
            limit: Some(FIRST_HEADS),
        };
        let mut heads = rows.changed_heads(&wanted)?;
        let may_be_more = heads.len() >= FIRST_HEADS;
        heads.sort_unstable();
        let last = heads.last().copied();
        if !self.take_in_batches(rows, heads)? {
            return Ok(true);
        }
        let Some(last) = last.filter(|_| may_be_more) else {
            return Ok(false);
        };
        wanted.from = (last.latest_change, last.key);
        wanted.limit = None;
        let mut heads = rows.changed_heads(&wanted)?;
        heads.retain(|head| *head != last);
        heads.sort_unstable();
        Ok(!self.take_in_batches(rows, heads)?)
    }

    /// Takes what comes next of these conversations, a few more at a time; `false` when there was more than
    /// the page holds.
    fn take_in_batches<R: FeedRows>(
        &mut self,
        rows: &mut R,
        heads: Vec<ChangedHead>,
    ) -> Result<bool, R::Error> {
        let mut heads = heads.into_iter();
        let mut at_once = 1;
        loop {
            let batch: Vec<_> = heads.by_ref().take(at_once).collect();
            if batch.is_empty() {
                return Ok(true);
            }
            at_once = CONVERSATIONS_AT_ONCE.min(at_once * 2);
            if !self.take_all(rows, batch)? {
                return Ok(false);
            }
        }
    }

    /// Takes what comes next of these conversations; `false` when there was more than the page holds.
    fn take_all<R: FeedRows>(
        &mut self,
        rows: &mut R,
        heads: Vec<ChangedHead>,
    ) -> Result<bool, R::Error> {
        let living = heads.iter().filter(|head| !head.is_dead());
        let wanted: Vec<_> = living
            .map(|head| ChangedMessages {
                conversation: head.key,
                since: self.since,
                dead_left_out_through: self.dead_left_out_through,
                after: self.begun(head).and_then(|place| place.message),
                // One more than there is room for tells whether the page ends inside.
                limit: (self.request.limit.saturating_sub(self.changed)).saturating_add(1),
            })
            .collect();
        let mut messages = Vec::new();
        if !wanted.is_empty() {
            messages = rows.changed_messages(&wanted)?;
        }
        let mut messages = messages.into_iter();
        for head in heads {
            let of_this = if head.is_dead() {
                None
            } else {
                messages.next()
            };
            if !self.take(head, of_this.unwrap_or_default()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The place inside this conversation where the page before ended.
    fn begun(&self, head: &ChangedHead) -> Option<FeedPlace> {
        let seen = |last: &FeedPlace| {
            (last.latest_change, last.conversation) == (head.latest_change, head.key)
        };
        self.last.filter(seen)
    }

    /// Takes a conversation with these changed messages; `false` when not all of it found room.
    fn take(&mut self, head: ChangedHead, messages: Vec<ChangedMessage>) -> bool {
        let itself = self.begun(&head).is_none() && head.change_number > self.since;
        let mut place = FeedPlace {
            latest_change: head.latest_change,
            conversation: head.key,
            message: None,
        };
        let mut wrapped = None;
        if itself {
            if self.is_full() {
                return false;
            }
            self.changed += 1;
            self.last = Some(place);
            if !self
                .request
                .left_out
                .has((head.key, None), head.change_number)
            {
                self.wrap(&mut wrapped, &head);
            }
        }
        for message in messages {
            if self.is_full() {
                self.items.extend(wrapped);
                return false;
            }
            let (change_number, key) = message.place;
            self.changed += 1;
            place.message = Some(message.place);
            self.last = Some(place);
            if !self
                .request
                .left_out
                .has((head.key, Some(key)), change_number)
            {
                self.wrap(&mut wrapped, &head).messages.push(key);
                self.content_bytes = self.content_bytes.saturating_add(message.content_bytes);
            }
        }
        self.items.extend(wrapped);
        true
    }

    /// The conversation around its changed messages, which comes whole and counts with its content.
    fn wrap<'w>(
        &mut self,
        wrapped: &'w mut Option<NamedConversation>,
        head: &ChangedHead,
    ) -> &'w mut NamedConversation {
        wrapped.get_or_insert_with(|| {
            self.content_bytes = self.content_bytes.saturating_add(head.content_bytes);
            NamedConversation {
                key: head.key,
                messages: Vec::new(),
            }
        })
    }

    fn is_full(&self) -> bool {
        self.changed >= self.request.limit
            || (self.changed > 0 && self.content_bytes >= self.request.content_bytes)
    }

    /// The items, whole. Of a page without any nothing is asked.
    fn read<R: FeedRows>(self, rows: &mut R) -> Result<Vec<ChangedConversation>, R::Error> {
        if self.items.is_empty() {
            return Ok(Vec::new());
        }
        rows.read(self.items)
    }

    /// Where the next page begins.
    fn position(&self) -> FeedPosition {
        FeedPosition {
            since: self.since,
            dead_left_out_through: self.dead_left_out_through,
            last: self.last,
        }
    }
}
