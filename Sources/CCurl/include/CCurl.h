// libcurl's functions, loaded when the first of them is needed: its libraries take longer to load than a small backup takes,
// and most commands ask no server. Its types and constants are those of its own header.
#pragma once
#include <curl/curl.h>

// Loads and starts libcurl, once. NULL when it is there; else why it is not. Before that, nothing below may be called.
const char *daytwo_curl_load(void);

CURL *daytwo_easy_init(void);
void daytwo_easy_cleanup(CURL *handle);
const char *daytwo_easy_strerror(CURLcode code);
CURLcode daytwo_easy_send(CURL *handle, const void *bytes, size_t count, size_t *sent);
CURLcode daytwo_easy_recv(CURL *handle, void *bytes, size_t count, size_t *received);

CURLM *daytwo_multi_init(void);
CURLMcode daytwo_multi_cleanup(CURLM *multi);
CURLMcode daytwo_multi_add_handle(CURLM *multi, CURL *handle);
CURLMcode daytwo_multi_remove_handle(CURLM *multi, CURL *handle);
CURLMcode daytwo_multi_perform(CURLM *multi, int *running);
CURLMcode daytwo_multi_poll(CURLM *multi, struct curl_waitfd *others, unsigned int count, int milliseconds, int *ready);
CURLMsg *daytwo_multi_info_read(CURLM *multi, int *left);

struct curl_slist *daytwo_slist_append(struct curl_slist *list, const char *line);
void daytwo_slist_free_all(struct curl_slist *list);

CURLU *daytwo_url(void);
void daytwo_url_cleanup(CURLU *url);
CURLUcode daytwo_url_set(CURLU *url, CURLUPart part, const char *text, unsigned int flags);
CURLUcode daytwo_url_get(CURLU *url, CURLUPart part, char **text, unsigned int flags);
void daytwo_free(void *bytes);

// Typed forms of the variadic functions, which Swift cannot call.
CURLcode daytwo_set_long(CURL *handle, CURLoption option, long value);
CURLcode daytwo_set_string(CURL *handle, CURLoption option, const char *value);
CURLcode daytwo_set_pointer(CURL *handle, CURLoption option, const void *value);
CURLcode daytwo_set_write_function(CURL *handle, curl_write_callback function);
// libcurl keeps a copy of the bytes.
CURLcode daytwo_set_blob(CURL *handle, CURLoption option, const void *bytes, size_t count);
CURLcode daytwo_get_long(CURL *handle, CURLINFO info, long *value);
CURLcode daytwo_get_offset(CURL *handle, CURLINFO info, curl_off_t *value);
CURLcode daytwo_get_socket(CURL *handle, curl_socket_t *value);
