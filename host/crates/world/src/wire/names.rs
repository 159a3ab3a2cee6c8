//! Names on the wire: the cluster's records in the network's words.

use cluster::dns as from;
use vnet::dns as to;

/// The zone that every DNS server of the cluster answers from.
///
/// `serial` numbers this state of the zone.
pub(crate) fn records(records: &from::Records, serial: u32) -> to::Records {
    // CoreDNS gives every endpoint of a Service the same priority and weight.
    let srv = |srv: &from::Srv| to::Srv {
        priority: 0,
        weight: 100,
        port: srv.port,
        target: srv.target.clone(),
    };
    to::Records {
        domain: records.domain.clone(),
        a: records.a.clone(),
        srv: records
            .srv
            .iter()
            .map(|(name, all)| (name.clone(), all.iter().map(srv).collect()))
            .collect(),
        ptr: records.ptr.clone(),
        cname: records.cname.clone(),
        dashed: records.pods.clone(),
        outside: records.balancers.clone(),
        serial,
    }
}
