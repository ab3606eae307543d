//! What there is to find about the nodes of a Citus cluster.

use convosync_storage_diesel::postgres::{Citus, CitusNode};

use crate::finding::Finding;

/// Each node has to answer and to write through, as visitors are on all of them.
pub(super) fn of(found: &Citus) -> Vec<Finding> {
    const CHECK: &str = "citus";
    let mut findings = Vec::new();
    for CitusNode {
        address,
        writes_through,
    } in &found.nodes
    {
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

    fn statuses(second: Option<bool>) -> Vec<Status> {
        let node = |port: u16, writes_through| CitusNode {
            address: format!("127.0.0.1:{port}"),
            writes_through,
        };
        let nodes = vec![node(1, Some(true)), node(2, second)];
        let findings = of(&Citus {
            version: "13.2-1".into(),
            nodes,
        });
        for finding in &findings {
            assert_eq!(finding.found.contains(":2 "), finding.status != Status::Ok);
        }
        findings.iter().map(|finding| finding.status).collect()
    }

    #[test]
    fn a_node_that_is_silent_or_loses_commits_is_named() {
        assert_eq!(statuses(Some(true)), [Status::Ok]);
        assert_eq!(statuses(Some(false)), [Status::Failed]);
        assert_eq!(statuses(None), [Status::Failed]);
    }
}
