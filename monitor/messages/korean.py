"""Messages in Korean. No particle follows what is put in, so none depends on how that ends."""

from __future__ import annotations

from monitor.alerting.guard import Decision
from monitor.messages.words import BuiltinWords, Units, Words
from monitor.model.alert import Resolution, Transition
from monitor.model.builtin import Builtin
from monitor.model.stop import StopResult

__all__ = ["KOREAN"]

KOREAN = Words(
    language="ko",
    units=Units(day="일", hour="시간", minute="분", second="초", between=" "),
    ago="{duration} 전",
    just_now="방금",
    states={
        Transition.FIRING: "발생",
        Transition.ACKNOWLEDGED: "확인됨",
        Transition.RESOLVED: "해소",
    },
    still_firing="지속 중",
    counted="{state} {count}건",
    more="외 {count}건",
    since="발생 시각",
    running="실행 시간",
    ran="실행 시간",
    count="건수",
    rating="평가",
    stop="자동 중지",
    to_do="조치",
    progress="마지막 진행",
    last_step="마지막 단계",
    not_observed="관측 공백",
    acknowledged_by="확인자",
    lasted="지속 시간",
    ended="해소 사유",
    details="상세",
    conversation="대화",
    labels="레이블",
    since_then="{time} ({ago})",
    between="{duration} ({begin} ~ {end})",
    at_least="{duration} 이상",
    limited="{value} (제한 {limit})",
    counted_within="최근 {within} 동안 {count}건",
    rated="{rating} ({by})",
    step="{step} ({ago})",
    blind_before="발생 직전 {duration} 동안 관측하지 못함",
    ratings={"positive": "긍정", "negative": "부정", "none": "없음(취소됨)"},
    raters={"user": "사용자", "agent": "상담원"},
    resolutions={
        Resolution.RECOVERED: "조건이 더 이상 성립하지 않음",
        Resolution.ENDED: "실행이 종료됨",
        Resolution.GONE: "대화가 삭제됨",
        Resolution.WITHDRAWN: "평가가 취소되거나 변경됨",
        Resolution.EXPIRED: "변화 없이 유효 시간이 지남(resolve_after)",
        Resolution.RULE_REMOVED: "규칙이 삭제됨. 문제 자체는 계속되고 있을 수 있음",
        Resolution.PROJECT_REMOVED: "프로젝트가 설정에서 삭제됨. 문제 자체는 계속되고 있을 수 있음",
    },
    stops={
        StopResult.STOPPED: "모니터가 실행을 중지했고 종료된 것을 확인함",
        StopResult.SHADOW: (
            "감시만 하는 모드(auto_stop.mode: shadow)라서 중지하지 않음. 실제로 중지하려면 "
            "auto_stop.mode를 enforce로 바꾸고 앱을 auto_stop.apps에 추가"
        ),
        StopResult.ALREADY_FINISHED: "중지를 요청하기 전에 실행이 스스로 종료됨",
        StopResult.CHANGED: "처음과 같은 실행이 아니어서 중지하지 않음",
        StopResult.INEFFECTIVE: "효과 없음: 중지를 요청했지만 실행이 계속되고 있음. 사람이 직접 조치해야 함",
        StopResult.REFUSED: "중지하지 않음",
        StopResult.ERROR: "실패: Alli가 중지를 거부함. 사람이 직접 조치해야 함",
    },
    because="{what} - {why}",
    why_refused={
        Decision.OFF: "자동 중지가 꺼져 있음(auto_stop.mode: off)",
        Decision.APP_NOT_ALLOWED: "앱이 auto_stop.apps에 없음",
        Decision.PAUSED: "자동 중지가 일시 정지된 상태. “alli-monitor autostop resume”으로 재개 가능",
        Decision.PROTECTED: "운영자가 보호로 지정한 대화",
        Decision.CONTRADICTED: "이 실행에 대한 Alli의 응답이 서로 모순됨",
        Decision.COOLDOWN: "같은 대화의 다른 실행을 중지한 지 얼마 되지 않음(auto_stop.cooldown)",
        Decision.BUDGET_SPENT: "이번 시간의 중지 한도를 모두 사용함(auto_stop.budget)",
    },
    builtins={
        Builtin.MONITOR_API_AUTH: BuiltinWords(
            summary="Alli가 모니터의 인증 정보를 거부합니다. 이 프로젝트는 현재 관측되지 않습니다.",
            to_do="Alli(Settings > General)에서 API 키를 다시 발급해 설정에 지정한 위치에 넣으세요.",
        ),
        Builtin.MONITOR_BLIND: BuiltinWords(
            summary="이 프로젝트의 실행 목록을 온전히 조회하지 못하고 있습니다.",
            to_do=(
                "이 서버에서 Alli에 접속되는지, 모니터 로그에 오류가 없는지 확인하세요. "
                "그동안 오래 걸리는 실행은 감지되지도 중지되지도 않습니다."
            ),
        ),
        Builtin.MONITOR_DEGRADED: BuiltinWords(
            summary="Alli의 응답이 서로 모순되거나 모니터에 필요한 내용이 빠져 있습니다.",
            to_do="“alli-monitor check --online”을 실행해 보세요. 의심스러운 대상은 자동으로 중지하지 않습니다.",
        ),
        Builtin.RECEIVER_FAILING: BuiltinWords(
            summary="알림을 받지 못하는 수신자가 있습니다.",
            to_do=(
                "수신자의 주소, 인증 정보, 채널을 바로잡으세요. "
                "대기 중인 알림은 보관했다가 전달하고, 수신자가 완전히 거부한 알림은 따로 빼 두었습니다."
            ),
        ),
        Builtin.RULE_FAILING: BuiltinWords(
            summary="규칙을 평가하다가 오류가 발생했습니다. 규칙은 계속 켜져 있습니다.",
            to_do="규칙을 고친 뒤 다시 불러오세요. 그때까지 알려야 할 것을 놓칠 수 있습니다.",
        ),
        Builtin.GHOST_RUN: BuiltinWords(
            summary="목록에는 실행 중으로 나오지만 Alli의 다른 응답과 맞지 않습니다. 자동으로 중지하지 않습니다.",
            to_do="대화를 확인하세요. 실제로 실행 중인 것이 없다면 Allganize에 문의하세요.",
        ),
        Builtin.ZOMBIE_CHAT: BuiltinWords(
            summary="실행은 끝났지만 작성 중이던 답변이 완료되지 않았습니다.",
            to_do="대화를 확인하세요. 답변을 기다리는 사용자가 있을 수 있습니다.",
        ),
        Builtin.STOP_INEFFECTIVE: BuiltinWords(
            summary="모니터가 중지를 요청했지만 실행이 계속되고 있습니다.",
            to_do="지금 Alli에서 직접 중지하세요. 그래도 계속되면 크레딧이 소모되므로 Allganize에 문의하세요.",
        ),
        Builtin.STOP_BUDGET_SPENT: BuiltinWords(
            summary="이번 시간의 자동 중지 한도를 모두 사용해, 제한을 넘긴 실행이 계속되고 있습니다.",
            to_do=(
                "제한을 넘긴 실행이 많은 원인을 찾으세요. "
                "개별 실행은 “alli-monitor stop CONVERSATION”으로 중지하거나 auto_stop.budget을 늘리세요."
            ),
        ),
        Builtin.STORAGE_FAILING: BuiltinWords(
            summary="모니터가 상태를 저장하지 못하고 있습니다.",
            to_do="디스크와 데이터베이스 파일을 점검하세요. 그때까지 새로운 관측, 알림, 중지가 이루어지지 않습니다.",
        ),
        Builtin.WATCHDOG: BuiltinWords(
            summary="항상 발생하는 알림입니다. 오지 않으면 모니터나 전달 경로에 문제가 생긴 것입니다.",
            to_do="계속 도착하는 동안은 할 일이 없습니다.",
        ),
        Builtin.BASELINE_RECORDED: BuiltinWords(
            summary="이 프로젝트를 처음으로 조회했습니다. 이전에 남겨진 평가는 알리지 않습니다.",
            to_do="할 일은 없습니다. 지금부터의 변화는 모두 알립니다.",
        ),
        Builtin.RATINGS_CAUGHT_UP: BuiltinWords(
            summary="관측 공백이 끝난 뒤 그동안 남겨진 평가를 한꺼번에 찾았습니다. 하나씩 따로 알리지 않습니다.",
            to_do="콘솔에서 평가를 확인하세요. 지금부터의 변화는 하나씩 알립니다.",
        ),
        Builtin.DRILL: BuiltinWords(
            summary="훈련 알림입니다. 실제 문제는 없습니다. 알림이 제대로 도착하는지 확인합니다.",
            to_do="할 일은 없습니다. 자동으로 해소됩니다.",
        ),
    },
    open_conversation="대화 열기",
    open_console="콘솔",
    open_runbook="런북",
)
