import { HeaderList } from '../../src/kernel/headers.ts'
import type { RequestView } from '../../src/kernel/request.ts'

/** What a test says of a request; the rest is an ordinary GET to the proxy. */
export interface ViewParts extends Partial<Omit<RequestView, 'headers'>> {
  readonly headers?: readonly (readonly [name: string, value: string])[]
}

/** Makes a request as a front would hand it to the pipeline. */
export function requestView(parts: ViewParts = {}): RequestView {
  const { headers = [], ...given } = parts
  return {
    front: 'proxy',
    method: 'GET',
    scheme: 'http',
    host: 'app.example',
    receivedHost: 'app.example',
    path: '/',
    rawPath: '',
    rawQuery: '',
    clientAddress: '192.0.2.7',
    peerAddress: '192.0.2.7',
    peerTrusted: false,
    requestId: 'request-1',
    originalUri: '/',
    readBody: () => Promise.resolve(new Uint8Array()),
    ...given,
    headers: HeaderList.from(headers),
  }
}
