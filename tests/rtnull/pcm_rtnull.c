/* rtnull: a sound card that is not there. An ALSA PCM that takes or gives frames at their nominal rate by
 * CLOCK_MONOTONIC, runs dry or over (-EPIPE) as hardware does, and keeps every frame it was given.
 *
 *     pcm_type.rtnull { lib "/path/libasound_module_pcm_rtnull.so" }
 *     pcm.name { type rtnull  file "/path/frames.raw"  stamps "/path/stamps.bin"  channels 2 }
 *     pcm.ear { type rtnull  infile "/path/sound.raw"  channels 1 }
 *
 * infile    what is recorded, as `file`, from its start at each start and over again at its end; while there is
 *           no such file, the card is unplugged
 * file      every frame, as given: S16_LE, interleaved
 * stamps    one record for each write, three native int64: nanoseconds of CLOCK_MONOTONIC, the number of
 *           frames given before it, and how many of those were not played yet
 * channels  what the device grants, whatever is asked; default 2
 */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

struct card {
    snd_pcm_ioplug_t plug;
    FILE *frames, *stamps, *sound;
    char *cable;     /* the file that must be there */
    int64_t began;   /* ns when the stream started; 0 while it stands still */
    int64_t queued;  /* frames given, or taken, since it was prepared */
    int64_t total;   /* frames given, ever */
};

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static int64_t played(const struct card *card)
{
    return card->began ? (now_ns() - card->began) * (int64_t)card->plug.rate / SECOND : 0;
}

static void set_timer(struct card *card, int64_t first, int64_t every)
{
    struct itimerspec at = {
        .it_value = { first / SECOND, first % SECOND },
        .it_interval = { every / SECOND, every % SECOND },
    };

    timerfd_settime(card->plug.poll_fd, first ? TFD_TIMER_ABSTIME : 0, &at, NULL);
}

static int card_start(snd_pcm_ioplug_t *plug)
{
    struct card *card = plug->private_data;
    int64_t frame = SECOND / plug->rate + 1;
    int64_t period = SECOND * (int64_t)plug->period_size / plug->rate;

    card->began = now_ns();
    /* One frame after each period: a frame early, the period would not be free yet. */
    set_timer(card, card->began + period + frame, period);
    return 0;
}

static int card_stop(snd_pcm_ioplug_t *plug)
{
    struct card *card = plug->private_data;

    card->began = 0;
    set_timer(card, 0, 0);
    if (card->frames)
        fflush(card->frames);
    return 0;
}

static int card_prepare(snd_pcm_ioplug_t *plug)
{
    struct card *card = plug->private_data;

    if (card->cable && access(card->cable, R_OK))
        return -ENODEV;
    card_stop(plug);
    card->queued = 0;
    return 0;
}

static snd_pcm_sframes_t card_pointer(snd_pcm_ioplug_t *plug)
{
    struct card *card = plug->private_data;
    int64_t at = played(card);

    if (card->cable) {
        if (access(card->cable, R_OK))
            return -ENODEV;
        return at - card->queued > (int64_t)plug->buffer_size ? -EPIPE : at % (int64_t)plug->buffer_size;
    }
    if (at > card->queued) {
        if (plug->state != SND_PCM_STATE_DRAINING)
            return -EPIPE;
        at = card->queued;
    }
    return at % (int64_t)plug->buffer_size;
}

static snd_pcm_sframes_t card_transfer(snd_pcm_ioplug_t *plug, const snd_pcm_channel_area_t *areas,
                                       snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
    struct card *card = plug->private_data;
    const char *from = (const char *)areas->addr + (areas->first + areas->step * offset) / 8;
    int64_t stamp[3] = { now_ns(), card->total, card->queued - played(card) };

    if (card->frames)
        fwrite(from, areas->step / 8, size, card->frames);
    if (card->stamps)
        fwrite(stamp, sizeof stamp, 1, card->stamps);
    card->queued += size;
    card->total += size;
    return size;
}

static snd_pcm_sframes_t card_record(snd_pcm_ioplug_t *plug, const snd_pcm_channel_area_t *areas,
                                     snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
    struct card *card = plug->private_data;
    char *to = (char *)areas->addr + (areas->first + areas->step * offset) / 8;
    size_t frame = areas->step / 8, got = 0, more;

    while (got < size) {
        more = fread(to + got * frame, frame, size - got, card->sound);
        got += more;
        if (!more && (ftell(card->sound) < (long)frame || fseek(card->sound, 0, SEEK_SET))) {
            memset(to + got * frame, 0, (size - got) * frame);
            break;
        }
    }
    card->queued += size;
    return size;
}

static int card_revents(snd_pcm_ioplug_t *plug, struct pollfd *fds, unsigned int count, unsigned short *events)
{
    struct card *card = plug->private_data;
    uint64_t ticks;

    (void)count;
    *events = 0;
    if ((fds[0].revents & POLLIN) && read(plug->poll_fd, &ticks, sizeof ticks) == sizeof ticks)
        *events = card->cable ? POLLIN : POLLOUT;
    return 0;
}

static void card_free(struct card *card)
{
    if (card->frames)
        fclose(card->frames);
    if (card->stamps)
        fclose(card->stamps);
    if (card->sound)
        fclose(card->sound);
    free(card->cable);
    if (card->plug.poll_fd >= 0)
        close(card->plug.poll_fd);
    free(card);
}

static int card_close(snd_pcm_ioplug_t *plug)
{
    card_free(plug->private_data);
    return 0;
}

#define CALLBACKS(move) \
    { \
        .start = card_start, .stop = card_stop, .prepare = card_prepare, .pointer = card_pointer, \
        .transfer = move, .poll_revents = card_revents, .close = card_close, \
    }
static const snd_pcm_ioplug_callback_t plays = CALLBACKS(card_transfer), records = CALLBACKS(card_record);

SND_PCM_PLUGIN_DEFINE_FUNC(rtnull)
{
    static const unsigned int accesses[] = { SND_PCM_ACCESS_RW_INTERLEAVED };
    static const unsigned int formats[] = { SND_PCM_FORMAT_S16_LE };
    const char *frames = NULL, *stamps = NULL, *sound = NULL, *id;
    long channels = 2;
    snd_config_iterator_t i, next;
    struct card *card;
    int error = -ENOMEM;

    (void)root;
    snd_config_for_each(i, next, conf) {
        snd_config_t *entry = snd_config_iterator_entry(i);

        if (snd_config_get_id(entry, &id) < 0 || !strcmp(id, "type") || !strcmp(id, "hint"))
            continue;
        if (!strcmp(id, "file"))
            snd_config_get_string(entry, &frames);
        else if (!strcmp(id, "stamps"))
            snd_config_get_string(entry, &stamps);
        else if (!strcmp(id, "infile"))
            snd_config_get_string(entry, &sound);
        else if (!strcmp(id, "channels"))
            snd_config_get_integer(entry, &channels);
        else
            return -EINVAL;
    }
    if ((stream == SND_PCM_STREAM_CAPTURE) != !!sound)
        return -ENOENT;
    card = calloc(1, sizeof *card);
    if (!card)
        return -ENOMEM;
    card->plug.version = SND_PCM_IOPLUG_VERSION;
    card->plug.name = "a card that is not there";
    card->plug.callback = sound ? &records : &plays;
    card->plug.private_data = card;
    card->plug.poll_events = POLLIN;
    card->plug.poll_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (sound && (!(card->cable = strdup(sound)) || !(card->sound = fopen(sound, "rb")))) {
        error = -ENODEV;
        goto failed;
    }
    if (card->plug.poll_fd < 0 || (frames && !(card->frames = fopen(frames, "wb")))
        || (stamps && !(card->stamps = fopen(stamps, "wb"))))
        goto failed;
    error = snd_pcm_ioplug_create(&card->plug, name, stream, mode);
    if (error < 0)
        goto failed;
    snd_pcm_ioplug_set_param_list(&card->plug, SND_PCM_IOPLUG_HW_ACCESS, 1, accesses);
    snd_pcm_ioplug_set_param_list(&card->plug, SND_PCM_IOPLUG_HW_FORMAT, 1, formats);
    snd_pcm_ioplug_set_param_minmax(&card->plug, SND_PCM_IOPLUG_HW_CHANNELS, channels, channels);
    snd_pcm_ioplug_set_param_minmax(&card->plug, SND_PCM_IOPLUG_HW_RATE, 48000, 48000);
    snd_pcm_ioplug_set_param_minmax(&card->plug, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, 1 << 16);
    snd_pcm_ioplug_set_param_minmax(&card->plug, SND_PCM_IOPLUG_HW_PERIODS, 2, 16);
    *pcmp = card->plug.pcm;
    return 0;

failed:
    card_free(card);
    return error;
}
SND_PCM_PLUGIN_SYMBOL(rtnull);
