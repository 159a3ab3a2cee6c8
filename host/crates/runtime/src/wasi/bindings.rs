//! The Rust side of the interfaces guests import. Never more than `bindgen!`.

wasmtime::component::bindgen!({
    path: [
        "wit/io.wit",
        "wit/clocks.wit",
        "wit/random.wit",
        "wit/filesystem.wit",
        "wit/sockets.wit",
        "wit/cli.wit",
        "../../../wit/process.wit",
    ],
    inline: "
        package lab:runtime;
        world command {
            include wasi:cli/command@0.2.12;
            include lab:process/guest@0.1.0;
        }
    ",
    imports: {
        "lab:process/process.[method]child.wait": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    trappable_error_type: {
        "wasi:sockets/network.error-code" => crate::wasi::sockets::SocketError,
        "wasi:filesystem/types.error-code" => crate::wasi::filesystem::FsError,
    },
    with: {
        "wasi:io": wasmtime_wasi_io::bindings::wasi::io,
        "wasi:cli/terminal-input.terminal-input": crate::wasi::cli::TerminalInput,
        "wasi:cli/terminal-output.terminal-output": crate::wasi::cli::TerminalOutput,
        "wasi:filesystem/types.descriptor": crate::wasi::filesystem::Descriptor,
        "wasi:filesystem/types.directory-entry-stream": crate::wasi::filesystem::DirectoryEntries,
        "wasi:sockets/network.network": crate::wasi::sockets::Instance,
        "wasi:sockets/tcp.tcp-socket": crate::wasi::sockets::tcp::Tcp,
        "wasi:sockets/udp.udp-socket": crate::wasi::sockets::udp::Udp,
        "wasi:sockets/udp.incoming-datagram-stream": crate::wasi::sockets::udp::Incoming,
        "wasi:sockets/udp.outgoing-datagram-stream": crate::wasi::sockets::udp::Outgoing,
        "wasi:sockets/ip-name-lookup.resolve-address-stream": crate::wasi::sockets::names::Lookup,
        "lab:process/process.pipe": crate::pipe::Pipe,
        "lab:process/process.child": crate::wasi::process::Child,
        "lab:process/icmp.socket": crate::wasi::icmp::Icmp,
        "lab:process/capture.listener": crate::wasi::capture::Listener,
    },
});
