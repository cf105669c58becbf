/* Inside of this room only: what the users of libcurl share. */
#ifndef OMSLAUNCH_NET_HTTP_CURL_H
#define OMSLAUNCH_NET_HTTP_CURL_H

#include <curl/curl.h>

void http_curl_init(void); /* may be called again and from any thread */
/* Nothing but http and https, whatever a URL says. */
void http_curl_protocols(CURL *c);
/* libcurl's words without their technical opening. Borrowed. */
const char *http_curl_words(const char *text);

#endif
