#define CURL_DISABLE_TYPECHECK
#include "CCurl.h"
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

// Its name has been this since 2006; a change of what we call would change it.
#define LIBRARY "libcurl.so.4"

#define FUNCTIONS(F) \
    F(curl_global_init) F(curl_easy_init) F(curl_easy_cleanup) F(curl_easy_strerror) F(curl_easy_send) F(curl_easy_recv) \
    F(curl_easy_setopt) F(curl_easy_getinfo) F(curl_multi_init) F(curl_multi_cleanup) F(curl_multi_add_handle) \
    F(curl_multi_remove_handle) F(curl_multi_perform) F(curl_multi_poll) F(curl_multi_info_read) F(curl_slist_append) \
    F(curl_slist_free_all) F(curl_url) F(curl_url_cleanup) F(curl_url_set) F(curl_url_get) F(curl_free)

#define DECLARE(name) __typeof__(name) *name##_;
static struct { FUNCTIONS(DECLARE) } table;

static const char *problem;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        problem = strdup(dlerror());
        return;
    }
#define FIND(name) \
    if (!(table.name##_ = (__typeof__(name) *)dlsym(handle, #name))) { \
        problem = LIBRARY " has no " #name; \
        return; \
    }
    FUNCTIONS(FIND)
    if (table.curl_global_init_(CURL_GLOBAL_DEFAULT) != CURLE_OK) problem = LIBRARY " could not be started";
}

const char *daytwo_curl_load(void) {
    pthread_once(&once, load);
    return problem;
}

CURL *daytwo_easy_init(void) { return table.curl_easy_init_(); }
void daytwo_easy_cleanup(CURL *handle) { table.curl_easy_cleanup_(handle); }
const char *daytwo_easy_strerror(CURLcode code) { return table.curl_easy_strerror_(code); }

CURLcode daytwo_easy_send(CURL *handle, const void *bytes, size_t count, size_t *sent) {
    return table.curl_easy_send_(handle, bytes, count, sent);
}

CURLcode daytwo_easy_recv(CURL *handle, void *bytes, size_t count, size_t *received) {
    return table.curl_easy_recv_(handle, bytes, count, received);
}

CURLM *daytwo_multi_init(void) { return table.curl_multi_init_(); }
CURLMcode daytwo_multi_cleanup(CURLM *multi) { return table.curl_multi_cleanup_(multi); }

CURLMcode daytwo_multi_add_handle(CURLM *multi, CURL *handle) {
    return table.curl_multi_add_handle_(multi, handle);
}

CURLMcode daytwo_multi_remove_handle(CURLM *multi, CURL *handle) {
    return table.curl_multi_remove_handle_(multi, handle);
}

CURLMcode daytwo_multi_perform(CURLM *multi, int *running) { return table.curl_multi_perform_(multi, running); }

CURLMcode daytwo_multi_poll(CURLM *multi, struct curl_waitfd *others, unsigned int count, int milliseconds, int *ready) {
    return table.curl_multi_poll_(multi, others, count, milliseconds, ready);
}

CURLMsg *daytwo_multi_info_read(CURLM *multi, int *left) { return table.curl_multi_info_read_(multi, left); }

struct curl_slist *daytwo_slist_append(struct curl_slist *list, const char *line) {
    return table.curl_slist_append_(list, line);
}

void daytwo_slist_free_all(struct curl_slist *list) { table.curl_slist_free_all_(list); }

CURLU *daytwo_url(void) { return table.curl_url_(); }
void daytwo_url_cleanup(CURLU *url) { table.curl_url_cleanup_(url); }

CURLUcode daytwo_url_set(CURLU *url, CURLUPart part, const char *text, unsigned int flags) {
    return table.curl_url_set_(url, part, text, flags);
}

CURLUcode daytwo_url_get(CURLU *url, CURLUPart part, char **text, unsigned int flags) {
    return table.curl_url_get_(url, part, text, flags);
}

void daytwo_free(void *bytes) { table.curl_free_(bytes); }

CURLcode daytwo_set_long(CURL *handle, CURLoption option, long value) {
    return table.curl_easy_setopt_(handle, option, value);
}

CURLcode daytwo_set_string(CURL *handle, CURLoption option, const char *value) {
    return table.curl_easy_setopt_(handle, option, value);
}

CURLcode daytwo_set_pointer(CURL *handle, CURLoption option, const void *value) {
    return table.curl_easy_setopt_(handle, option, value);
}

CURLcode daytwo_set_write_function(CURL *handle, curl_write_callback function) {
    return table.curl_easy_setopt_(handle, CURLOPT_WRITEFUNCTION, function);
}

CURLcode daytwo_set_blob(CURL *handle, CURLoption option, const void *bytes, size_t count) {
    struct curl_blob blob = {.data = (void *)bytes, .len = count, .flags = CURL_BLOB_COPY};
    return table.curl_easy_setopt_(handle, option, &blob);
}

CURLcode daytwo_get_long(CURL *handle, CURLINFO info, long *value) {
    return table.curl_easy_getinfo_(handle, info, value);
}

CURLcode daytwo_get_offset(CURL *handle, CURLINFO info, curl_off_t *value) {
    return table.curl_easy_getinfo_(handle, info, value);
}

CURLcode daytwo_get_socket(CURL *handle, curl_socket_t *value) {
    return table.curl_easy_getinfo_(handle, CURLINFO_ACTIVESOCKET, value);
}
