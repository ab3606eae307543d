//! What there is to find about the nodes of a Citus cluster.

use convosync_storage_diesel::postgres::{Citus, CitusNode};

use crate::finding::Finding;

/// Each node has to answer and to write through, as visitors are on all of them; and those that a server is to ask itself
/// should be reached from here.
pub(super) fn of(found: &Citus, shard_aware: bool) -> Vec<Finding> {
    const CHECK: &str = "citus";
    let mut findings = Vec::new();
    for CitusNode {
        address,
        writes_through,
        unreachable,
    } in &found.nodes
    {
        let unreachable = unreachable
            .as_ref()
            .filter(|_| shard_aware && writes_through.is_some());
        findings.extend(unreachable.map(|reason| {
            Finding::warning(
                CHECK,
                format!("the node {address} cannot be asked from here, so all its visitors are asked for by way of another: {reason}"),
                "see that this machine reaches the node by that name and port, and that the role in database.url may log in \
                there; or set database.shard_aware = false",
            )
        }));
        findings.extend(match writes_through {
            Some(true) => None,
            Some(false) => Some(Finding::failed(
                CHECK,
                format!("the node {address} does not write through what it commits"),
                "set fsync = on and synchronous_commit = on in its postgresql.conf and reload it",
            )),
            None => Some(Finding::failed(
                CHECK,
                format!("the node {address} does not answer"),
                "see that it runs, and that the role in database.url gets from this node to it (PGPASSWORD or .pgpass \
                of the user that runs PostgreSQL)",
            )),
        });
    }
    if findings.is_empty() {
        let (version, nodes) = (&found.version, found.nodes.len());
        findings.push(Finding::ok(
            CHECK,
            format!("Citus {version} is installed, nodes: {nodes}"),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    fn statuses(second: Option<bool>, unreachable: Option<&str>, shard_aware: bool) -> Vec<Status> {
        let node = |port: u16, writes_through| CitusNode {
            address: format!("127.0.0.1:{port}"),
            writes_through,
            unreachable: unreachable.filter(|_| port == 2).map(str::to_owned),
        };
        let nodes = vec![node(1, Some(true)), node(2, second)];
        let version = "13.2-1".into();
        let findings = of(&Citus { version, nodes }, shard_aware);
        for finding in &findings {
            assert_eq!(finding.found.contains(":2 "), finding.status != Status::Ok);
        }
        findings.iter().map(|finding| finding.status).collect()
    }

    #[test]
    fn a_node_that_is_silent_or_loses_commits_is_named() {
        assert_eq!(statuses(Some(true), None, true), [Status::Ok]);
        assert_eq!(statuses(Some(false), None, true), [Status::Failed]);
        assert_eq!(statuses(None, None, true), [Status::Failed]);
    }

    #[test]
    fn a_node_that_the_server_cannot_ask_is_named_where_it_would() {
        let refused = Some("connection refused");
        assert_eq!(statuses(Some(true), refused, true), [Status::Warning]);
        assert_eq!(statuses(Some(true), refused, false), [Status::Ok]);
        assert_eq!(statuses(None, refused, true), [Status::Failed]);
    }
}
