package sfsim

import (
	"bytes"
	"net"
	"slices"
)

// lenientListener accepts request lines with unescaped spaces in the query, which one Shield client
// sends [C FtxPlugin] and net/http would refuse: it escapes them on their way in.
type lenientListener struct{ net.Listener }

// Accept wraps the next connection.
func (l lenientListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lenientConn{Conn: conn}, nil
}

// lenientConn rewrites a request line that comes at the front of what one read yields, which is
// where every request of a client that does not pipeline begins.
type lenientConn struct {
	net.Conn
	pending []byte
}

const maxRequestLine = 1 << 18

// Read implements net.Conn.
func (c *lenientConn) Read(p []byte) (int, error) {
	if len(c.pending) == 0 {
		chunk := make([]byte, 4096)
		n, err := c.Conn.Read(chunk)
		if n == 0 {
			return 0, err
		}
		chunk = chunk[:n]
		for isGet(chunk) && !bytes.Contains(chunk, []byte("\n")) && len(chunk) < maxRequestLine {
			more := make([]byte, 4096)
			n, err := c.Conn.Read(more)
			chunk = slices.Concat(chunk, more[:n])
			if err != nil {
				break
			}
		}
		c.pending = escapeRequestLine(chunk)
	}
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

func isGet(chunk []byte) bool {
	return bytes.HasPrefix(chunk, []byte("GET /")) || bytes.HasPrefix(chunk, []byte("HEAD /"))
}

// escapeRequestLine replaces the spaces inside the target of a GET or HEAD request line by %20.
func escapeRequestLine(chunk []byte) []byte {
	line, rest, whole := bytes.Cut(chunk, []byte("\r\n"))
	first, last := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	if !isGet(chunk) || !whole || first == last || !bytes.HasPrefix(line[last+1:], []byte("HTTP/")) {
		return chunk
	}
	target := line[first+1 : last]
	if !bytes.Contains(target, []byte(" ")) {
		return chunk
	}
	out := append([]byte{}, line[:first+1]...)
	out = append(out, bytes.ReplaceAll(target, []byte(" "), []byte("%20"))...)
	out = append(out, line[last:]...)
	out = append(out, "\r\n"...)
	return append(out, rest...)
}
