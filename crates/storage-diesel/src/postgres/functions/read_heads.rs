//! `read_heads` reads the heads of what a post names: a row for each named conversation that is stored, or one
//! without a conversation.

use super::super::schema::ConversationRow;
use super::{Function, Tables, quoted};
use crate::tables::read_row::ReadRow as _;

/// Where the visitor is not on this node, the distributed tables are read, for which Citus is to plan anew each time.
const ELSEWHERE: &str =
    "shard := 0; PERFORM set_config('plan_cache_mode', 'force_custom_plan', true);";

pub(super) fn function(tables: &Tables) -> Function<'_> {
    let conversation = ConversationRow::COLUMNS.iter();
    let conversation =
        conversation.map(|name| format!("\"{name}\" conversations.\"{name}\"%TYPE, "));
    let conversation: String = conversation.collect();
    let mut function = Function {
        name: "read_heads",
        tables,
        parameters:
            "visitor uuid, named uuid[], first_messages integer[], last_messages integer[], \
                     named_messages uuid[]"
                .to_owned(),
        returns: format!(
            "TABLE (change_counter bigint, {conversation}ids uuid[], digests bytea[], bytes bigint[])"
        ),
        body: String::new(),
    };
    function.begin("", &["visitors", "conversations", "messages"], ELSEWHERE);
    // Name by name: a conversation by its key, then those of the named messages that are its, which stand together.
    // (`OFFSET 0` keeps the planner from another order.)
    let look = format!(
        "SELECT v.change_counter, {}, h.ids, h.digests, h.bytes FROM {{visitors}} v LEFT JOIN LATERAL \
         (SELECT c.*, n.first, n.last FROM unnest($2::uuid[], $3::integer[], $4::integer[]) AS n (id, first, last) \
         CROSS JOIN LATERAL \
         (SELECT * FROM {{conversations}} WHERE visitor_id = $1 AND id = n.id OFFSET 0) c) c ON true \
         LEFT JOIN LATERAL (SELECT array_agg(m.id) AS ids, array_agg(m.digest) AS digests, \
         array_agg(m.content_bytes) AS bytes FROM unnest(($5::uuid[])[c.first:c.last]) AS n (id) CROSS JOIN LATERAL \
         (SELECT id, digest, content_bytes FROM {{messages}} \
         WHERE visitor_id = $1 AND conversation_id = c.id AND id = n.id OFFSET 0) m) h ON true WHERE v.id = $1",
        quoted("c.", ConversationRow::COLUMNS)
    );
    let arguments = [
        "visitor",
        "named",
        "first_messages",
        "last_messages",
        "named_messages",
    ];
    function.run("RETURN QUERY ", &look, "", &arguments);
    function.line("END");
    function
}
