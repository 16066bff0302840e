# Reads a Unix datagram socket, for which Node.js has no function, and writes its datagrams to standard output as frames, as
# datagram-frames.ts reads them: the length in four bytes (big endian), a zero byte instead of an address, the datagram. Before
# them it writes a line: the socket exists. It ends with standard input.
use strict;
use warnings;
use Socket;

my $BYTES_MAX = 1024 * 1024;
my $DATAGRAMS_MAX = 64;

my ($path) = @ARGV;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "$!\n";
bind($socket, pack_sockaddr_un($path)) or die "$!\n";
chmod 0666, $path;
setsockopt($socket, SOL_SOCKET, SO_RCVBUF, 8 * 1024 * 1024);

sub put {
    my ($bytes) = @_;
    for (my $at = 0; $at < length $bytes;) {
        my $written = syswrite(STDOUT, $bytes, length($bytes) - $at, $at);
        exit 1 unless defined $written;
        $at += $written;
    }
}

$SIG{PIPE} = sub { unlink $path; exit 0 };
put("listening\n");
my $both = "";
vec($both, fileno STDIN, 1) = 1;
vec($both, fileno $socket, 1) = 1;
while (1) {
    select(my $ready = $both, undef, undef, undef);
    last if vec($ready, fileno STDIN, 1) && !sysread STDIN, my $ignored, 1;
    my $datagrams = "";
    for (1 .. $DATAGRAMS_MAX) {
        defined recv($socket, my $datagram, $BYTES_MAX, MSG_DONTWAIT) or last;
        $datagrams .= pack "N/a*", "\0$datagram" if length $datagram;
    }
    put($datagrams);
}
unlink $path;
