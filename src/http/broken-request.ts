import type { Duplex } from 'node:stream'
import { STATUS_CODES } from 'node:http'
import { connectionOf, isRegistered } from './connection.ts'
import { type Refusal, refusalReply } from './refusal.ts'
import type { Socket } from 'node:net'

const MALFORMED: Refusal = { status: 400, message: 'The request was malformed', close: true }

/** What node:http's parser refuses by itself, by its error code; everything else is malformed. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: 'The request header is too large', close: true },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: 'The chunk extensions are too large', close: true },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request took too long', close: true },
}

/**
 * Answers what cannot be parsed as a request, and ends the connection. Once an answer is on its way, octets of another
 * in between would be taken for part of it; and where the request had its answer before its body turned out to be none,
 * a second one would be taken for that of the next request (V-102). Then the connection just ends.
 */
export function answerBrokenRequest(error: NodeJS.ErrnoException, duplex: Duplex): void {
  const socket = duplex as Socket
  if (!isRegistered(socket)) {
    // No handshake, no answer: one would wait for it, and the connection with it (V-108).
    socket.destroy()
    return
  }
  const { active, latest } = connectionOf(socket)
  if (error.code === 'HPE_CLOSED_CONNECTION' && active > 0) {
    // More requests behind one that said it was the last (F-18): they are not read, the last one gets its answer.
    socket.pause()
    return
  }
  const answering = active > 1 || (active === 1 && latest?.headersSent === true)
  const answered = active === 0 && latest?.req.complete === false
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || !socket.writable || answering || answered) {
    socket.destroy()
    return
  }
  const reply = refusalReply(REFUSALS[error.code ?? ''] ?? MALFORMED)
  const lines = [
    `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status]}`,
    ...reply.headers.map(([name, value]) => `${name}: ${value}`),
    'Cache-Control: no-store',
    'Connection: close',
    `Content-Length: ${Buffer.byteLength(reply.body)}`,
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n${reply.body}`)
  socket.destroySoon()
}
